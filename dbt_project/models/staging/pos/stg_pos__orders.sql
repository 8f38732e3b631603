with receipts as (
    {{ current_rows(source('pos', 'receipts'), ['receipt_id']) }}
),

sms_feedback as (
    {{ current_rows(source('pos', 'sms_feedback'), ['feedback_id'], 'received_at') }}
),

asked_phones as (
    select
        _source,
        receipt_id,
        max(phone__hash) as phone_hash
    from sms_feedback
    where nullif(trim(receipt_id), '') is not null
    group by _source, receipt_id
    -- two people asked about one receipt: nobody knows whose purchase it was
    having count(distinct phone__hash) = 1
),

typed as (
    select
        _source,
        receipt_id,
        store_id,
        sold_at,
        upper(nullif(trim(currency), '')) as currency,
        {{ text_to_number('total_amount') }} as total_amount,
        coalesce({{ text_to_number('vat_amount') }}, 0) as tax_amount,
        coalesce({{ text_to_number('discount_amount') }}, 0) as discount_amount,
        lower(nullif(trim(payment_method), '')) as payment_method,
        nullif(trim(loyalty_id), '') as loyalty_id,
        nullif(trim(original_receipt_id), '') as original_receipt_id,
        coalesce({{ text_to_boolean('is_training') }}, false) as is_test
    from receipts
),

returned as (
    select
        _source,
        original_receipt_id,
        -sum(total_amount) as returned_amount
    from typed
    where total_amount < 0 and original_receipt_id is not null
    group by _source, original_receipt_id
),

sales as (
    select
        typed._source as source,
        typed.receipt_id as order_id,
        {{ text_to_timestamp('typed.sold_at', "'" ~ var('business_timezone') ~ "'") }}
            as ordered_at,
        typed.currency,
        typed.total_amount,
        typed.tax_amount,
        typed.discount_amount,
        typed.payment_method,
        typed.loyalty_id,
        typed.store_id,
        typed.is_test,
        case
            when returned.returned_amount >= typed.total_amount then 'refunded'
            when returned.returned_amount > 0 then 'partially_refunded'
            else 'paid'
        end as status,
        asked_phones.phone_hash
    from typed
    left join returned
        on
            typed._source = returned._source
            and typed.receipt_id = returned.original_receipt_id
    left join asked_phones
        on typed._source = asked_phones._source and typed.receipt_id = asked_phones.receipt_id
    -- a receipt that pays money out is a refund, not an order
    where typed.total_amount >= 0
),

final as (
    select
        {{ surrogate_key(["source", "'order'", "order_id"]) }} as order_key,
        source,
        order_id,
        order_id as order_name,
        'store' as channel,
        ordered_at,
        {{ local_date('ordered_at') }} as order_date,
        currency,
        cast(total_amount - tax_amount as decimal(18, 4)) as subtotal_amount,
        tax_amount,
        cast(0 as decimal(18, 4)) as shipping_amount,
        discount_amount,
        total_amount,
        status,
        false as is_cancelled,
        is_test,
        payment_method,
        cast(null as string) as email_hash,
        phone_hash,
        cast(null as string) as customer_ref,
        cast(null as string) as contact_id,
        loyalty_id,
        cast(null as string) as user_id,
        cast(null as string) as client_id,
        cast(null as string) as transaction_ref,
        cast(null as string) as cart_ref,
        store_id,
        ordered_at as updated_at
    from sales
)

select
    order_key,
    source,
    order_id,
    order_name,
    channel,
    ordered_at,
    order_date,
    currency,
    subtotal_amount,
    tax_amount,
    shipping_amount,
    discount_amount,
    total_amount,
    status,
    is_cancelled,
    is_test,
    payment_method,
    email_hash,
    phone_hash,
    customer_ref,
    contact_id,
    loyalty_id,
    user_id,
    client_id,
    transaction_ref,
    cart_ref,
    store_id,
    updated_at
from final
