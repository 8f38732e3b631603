with orders as (
    {{ current_rows(source('shopify', 'orders'), ['id'], 'updated_at') }}
),

loader_refunds as (
    {{ current_rows(source('shopify', 'refunds'), ['id'], '_fivetran_synced') }}
),

loader_line_refunds as (
    {{ current_rows(source('shopify', 'order_line_refunds'), ['id'], '_fivetran_synced') }}
),

loader_adjustments as (
    {{ current_rows(source('shopify', 'order_adjustments'), ['id'], '_fivetran_synced') }}
),

loader_transactions as (
    {{ current_rows(source('shopify', 'transactions'), ['id'], '_fivetran_synced') }}
),

native_refunds as (
    select
        orders._source,
        orders.id as order_id,
        {{ json_text('refund.value', '$.id') }} as refund_id,
        {{ json_text('refund.value', '$.processed_at') }} as processed_at,
        {{ json_text('refund.value', '$.created_at') }} as created_at,
        refund.value as refund
    from orders
    {{ json_elements('orders.refunds', 'refund') }}
),

refunds as (
    select
        _source,
        order_id,
        refund_id,
        processed_at,
        created_at
    from native_refunds
    union all
    select
        _source,
        order_id,
        id as refund_id,
        processed_at,
        created_at
    from loader_refunds
),

payments as (
    select
        native_refunds._source,
        native_refunds.refund_id,
        {{ json_text('payment.value', '$.kind') }} as payment_kind,
        {{ json_text('payment.value', '$.status') }} as payment_status,
        {{ text_to_number(json_text('payment.value', '$.amount')) }} as paid_amount
    from native_refunds
    {{ json_elements(json_member('native_refunds.refund', '$.transactions'), 'payment') }}
    union all
    select
        _source,
        refund_id,
        kind as payment_kind,
        status as payment_status,
        {{ text_to_number('amount') }} as paid_amount
    from loader_transactions
    where nullif(refund_id, '') is not null
),

repaid as (
    select
        _source,
        refund_id,
        sum(paid_amount) as repaid_amount
    from payments
    where lower(payment_kind) = 'refund' and lower(payment_status) = 'success'
    group by _source, refund_id
),

refund_lines as (
    select
        native_refunds._source,
        native_refunds.refund_id,
        {{ json_text('line.value', '$.restock_type') }} as restock_type,
        {{ text_to_number(json_text('line.value', '$.subtotal')) }} as goods_amount,
        {{ text_to_number(json_text('line.value', '$.total_tax')) }} as tax_amount
    from native_refunds
    {{ json_elements(json_member('native_refunds.refund', '$.refund_line_items'), 'line') }}
    union all
    select
        _source,
        refund_id,
        restock_type,
        {{ text_to_number('subtotal') }} as goods_amount,
        {{ text_to_number('total_tax') }} as tax_amount
    from loader_line_refunds
),

lines_refunded as (
    select
        _source,
        refund_id,
        max(nullif(trim(restock_type), '')) as restock_type,
        sum(goods_amount) as goods_amount,
        sum(coalesce(tax_amount, 0)) as tax_amount
    from refund_lines
    group by _source, refund_id
),

adjustments as (
    select
        native_refunds._source,
        native_refunds.refund_id,
        {{ json_text('adjustment.value', '$.kind') }} as adjustment_kind,
        {{ text_to_number(json_text('adjustment.value', '$.amount')) }} as amount,
        {{ text_to_number(json_text('adjustment.value', '$.tax_amount')) }} as tax_amount
    from native_refunds
    {{ json_elements(
        json_member('native_refunds.refund', '$.order_adjustments'), 'adjustment'
    ) }}
    union all
    select
        _source,
        refund_id,
        kind as adjustment_kind,
        {{ text_to_number('amount') }} as amount,
        {{ text_to_number('tax_amount') }} as tax_amount
    from loader_adjustments
),

adjusted as (
    select
        _source,
        refund_id,
        max(nullif(trim(adjustment_kind), '')) as adjustment_kind,
        -- money that leaves the shop is negative here
        -sum(amount) as adjusted_amount,
        -sum(coalesce(tax_amount, 0)) as tax_amount
    from adjustments
    group by _source, refund_id
),

order_terms as (
    select
        _source,
        id as order_id,
        upper(nullif(trim(currency), '')) as currency,
        coalesce({{ text_to_boolean('taxes_included') }}, false) as is_tax_included
    from orders
),

final as (
    select
        {{ surrogate_key(["refunds._source", "'refund'", "refunds.refund_id"]) }} as refund_key,
        {{ surrogate_key(["refunds._source", "'order'", "refunds.order_id"]) }} as order_key,
        refunds._source as source,
        refunds.order_id,
        refunds.refund_id,
        coalesce(
            {{ text_to_timestamp('refunds.processed_at') }},
            {{ text_to_timestamp('refunds.created_at') }}
        ) as refunded_at,
        -- The repayment is what the customer got; goods and differences stand in where the
        -- payment was made elsewhere (an unknown amount stays null, it is not nothing).
        cast(
            case
                when repaid.repaid_amount is not null then repaid.repaid_amount
                when
                    lines_refunded.goods_amount is not null
                    or adjusted.adjusted_amount is not null
                    then
                        coalesce(lines_refunded.goods_amount, 0)
                        + coalesce(adjusted.adjusted_amount, 0)
                        + case
                            when order_terms.is_tax_included then 0
                            else
                                coalesce(lines_refunded.tax_amount, 0)
                                + coalesce(adjusted.tax_amount, 0)
                        end
            end as decimal(18, 4)
        ) as refund_amount,
        order_terms.currency,
        -- the note is free text and may name a person
        coalesce(lines_refunded.restock_type, adjusted.adjustment_kind) as reason,
        -- whose it is, and of which channel, the order says
        cast(null as string) as channel,
        cast(null as string) as loyalty_id,
        cast(null as string) as customer_ref,
        cast(null as string) as email_hash,
        cast(null as string) as phone_hash
    from refunds
    left join order_terms
        on refunds._source = order_terms._source and refunds.order_id = order_terms.order_id
    left join repaid
        on refunds._source = repaid._source and refunds.refund_id = repaid.refund_id
    left join lines_refunded
        on
            refunds._source = lines_refunded._source
            and refunds.refund_id = lines_refunded.refund_id
    left join adjusted
        on refunds._source = adjusted._source and refunds.refund_id = adjusted.refund_id
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
