with

contracts as (
    select * from {{ ref('int_contracts_unioned') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

rates as (
    select * from {{ ref('currency_rates') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

dated as (
    select
        contracts.contract_key,
        contracts.source,
        contracts.contract_id,
        contracts.product_id,
        contracts.channel,
        records_resolved.identifier_key,
        records_resolved.customer_id,
        {{ local_date('contracts.started_at') }} as started_date,
        {{ local_date('contracts.ends_at') }} as agreed_end_date,
        {{ local_date('contracts.cancelled_at') }} as cancelled_date,
        {{ local_date('contracts.updated_at') }} as updated_date,
        contracts.is_renewed,
        upper(contracts.currency) as currency,
        contracts.contract_amount
    from contracts
    left join records_resolved
        on
            {{ identity_record_key(
                'contract',
                [
                    'contact_id', 'user_id', 'loyalty_id', 'customer_ref', 'email_hash',
                    'phone_hash',
                ],
                'contracts.source', 'contracts.'
            ) }}
            = records_resolved.identity_record_key
),

terms as (
    select
        *,
        case
            when cancelled_date < coalesce(agreed_end_date, cancelled_date) then cancelled_date
            else coalesce(agreed_end_date, cancelled_date)
        end as last_date
    from dated
),

-- Until when the history tells of what customers did.
horizons as (
    select max(known_date) as known_date
    from (
        select max(order_date) as known_date from orders
        where is_counted
        union all
        select max(updated_date) as known_date from terms
    ) as told
),

-- The customer's next term, whatever it is of: it began before the last one's time was over, or in
-- the days after, and ends later.
continued as (
    select distinct terms.contract_key
    from terms
    inner join terms as further
        on
            terms.customer_id = further.customer_id
            and terms.contract_key <> further.contract_key
    where
        further.started_date
        <= {{ days_after('terms.last_date', metric_setting('contract_renewal_days')) }}
        and (further.last_date is null or further.last_date > terms.last_date)
),

final as (
    select
        terms.contract_key,
        terms.source,
        terms.contract_id,
        terms.product_id,
        terms.channel,
        terms.identifier_key,
        terms.customer_id,
        terms.started_date,
        terms.agreed_end_date,
        terms.cancelled_date,
        terms.last_date,
        terms.is_renewed,
        case
            when continued.contract_key is not null or terms.is_renewed then true
            when
                {{ days_after('terms.last_date', metric_setting('contract_renewal_days')) }}
                <= horizons.known_date
                then false
        end as is_continued,
        {{ days_after('terms.last_date', metric_setting('contract_renewal_days')) }}
        <= horizons.known_date as is_over,
        terms.currency,
        terms.contract_amount,
        {{ amount_quotient('terms.contract_amount', 'rates.units_per_euro') }}
            as contract_amount_eur
    from terms
    cross join horizons
    left join continued on terms.contract_key = continued.contract_key
    left join rates
        on
            terms.currency = rates.currency
            and terms.started_date between rates.valid_from and rates.valid_to
)

select
    contract_key,
    source,
    contract_id,
    product_id,
    channel,
    identifier_key,
    customer_id,
    started_date,
    agreed_end_date,
    cancelled_date,
    last_date,
    is_renewed,
    coalesce(is_over, false) as is_over,
    is_continued,
    currency,
    contract_amount,
    contract_amount_eur
from final
