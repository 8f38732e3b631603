with receipts as (
    {{ current_rows(source('pos', 'receipts'), ['receipt_id']) }}
),

typed as (
    select
        _source as source,
        receipt_id as refund_id,
        nullif(trim(original_receipt_id), '') as order_id,
        {{ text_to_timestamp('sold_at', "'" ~ var('business_timezone') ~ "'") }} as refunded_at,
        {{ text_to_number('total_amount') }} as total_amount,
        upper(nullif(trim(currency), '')) as currency,
        lower(nullif(trim(return_reason), '')) as reason,
        nullif(trim(loyalty_id), '') as loyalty_id
    from receipts
    where not coalesce({{ text_to_boolean('is_training') }}, false)
),

final as (
    select
        {{ surrogate_key(["source", "'refund'", "refund_id"]) }} as refund_key,
        case
            when order_id is not null
                then {{ surrogate_key(["source", "'order'", "order_id"]) }}
        end as order_key,
        source,
        order_id,
        refund_id,
        refunded_at,
        cast(-total_amount as decimal(18, 4)) as refund_amount,
        currency,
        reason,
        'store' as channel,
        loyalty_id,
        cast(null as string) as customer_ref,
        cast(null as string) as email_hash,
        cast(null as string) as phone_hash
    from typed
    where total_amount < 0
)

select
    refund_key,
    order_key,
    source,
    order_id,
    refund_id,
    refunded_at,
    refund_amount,
    currency,
    reason,
    channel,
    loyalty_id,
    customer_ref,
    email_hash,
    phone_hash
from final
