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
        ended.*,
        {{ days_after('ended.last_date', metric_setting('contract_renewal_days')) }}
            as awaited_until
    from (
        select
            *,
            case
                when cancelled_date < coalesce(agreed_end_date, cancelled_date) then cancelled_date
                else coalesce(agreed_end_date, cancelled_date)
            end as last_date
        from dated
    ) as ended
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
-- the days after, and ends later. So of all terms begun by then the latest end decides; the one
-- that is asked about does not end later than itself. One pass in the order of time tells it.
beginnings_and_ends as (
    select
        customer_id,
        started_date as moment_date,
        coalesce(last_date, date '9999-12-31') as lasts_until,
        cast(null as string) as asked_key
    from terms
    where customer_id is not null

    union all

    select
        customer_id,
        awaited_until as moment_date,
        cast(null as date) as lasts_until,
        contract_key as asked_key
    from terms
    where customer_id is not null and awaited_until is not null
),

latest_ends as (
    select
        asked_key,
        max(lasts_until) over (
            partition by customer_id order by moment_date
            range between unbounded preceding and current row
        ) as latest_end_date
    from beginnings_and_ends
    where moment_date is not null
),

continued as (
    select terms.contract_key
    from terms
    inner join latest_ends on terms.contract_key = latest_ends.asked_key
    where latest_ends.latest_end_date > terms.last_date
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
            when terms.awaited_until <= horizons.known_date then false
        end as is_continued,
        terms.awaited_until <= horizons.known_date as is_over,
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
