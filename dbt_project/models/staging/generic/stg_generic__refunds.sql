with mapped_refunds as (
    {{ current_rows(source('generic', 'refunds'), ['refund_id'], 'refunded_at') }}
),

return_deliveries as (
    select *
    from {{ source('generic', 'order_lines') }}
    where {{ text_to_boolean('is_return') }}
),

mapped_returns as (
    {{ current_rows('return_deliveries', ['order_id', 'coalesce(line_number, _row_id)']) }}
),

delivered as (
    select
        _source as source,
        case
            when {{ blank_to_null('order_id') }} is not null
                then {{ surrogate_key(["_source", "'order'", "order_id"]) }}
        end as order_key,
        {{ blank_to_null('order_id') }} as order_id,
        refund_id,
        {{ mapped_timestamp('refunded_at') }} as refunded_at,
        {{ text_to_number('refund_amount') }} as refund_amount,
        upper({{ blank_to_null('currency') }}) as currency,
        {{ blank_to_null('reason') }} as reason,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('customer_ref') }} as customer_ref,
        email__hash as email_hash,
        phone__hash as phone_hash
    from mapped_refunds
),

return_lines as (
    select
        _source as source,
        order_id as refund_id,
        {{ mapped_timestamp('ordered_at') }} as refunded_at,
        coalesce(
            {{ text_to_number('line_amount') }},
            {{ text_to_number('quantity') }} * {{ text_to_number('unit_price') }}
        ) as line_amount,
        upper({{ blank_to_null('currency') }}) as currency,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('customer_ref') }} as customer_ref
    from mapped_returns
),

-- A return document does not say which order it takes back.
returned as (
    select
        source,
        cast(null as string) as order_key,
        cast(null as string) as order_id,
        refund_id,
        min(refunded_at) as refunded_at,
        abs(sum(line_amount)) as refund_amount,
        min(currency) as currency,
        cast(null as string) as reason,
        min(channel) as channel,
        min(loyalty_id) as loyalty_id,
        min(customer_ref) as customer_ref,
        cast(null as string) as email_hash,
        cast(null as string) as phone_hash
    from return_lines
    group by source, refund_id
),

refunds as (
    select * from delivered
    union all
    select * from returned
)

select
    {{ surrogate_key(["source", "'refund'", "refund_id"]) }} as refund_key,
    order_key,
    source,
    order_id,
    refund_id,
    refunded_at,
    cast(refund_amount as decimal(18, 4)) as refund_amount,
    currency,
    reason,
    channel,
    loyalty_id,
    customer_ref,
    email_hash,
    phone_hash
from refunds
