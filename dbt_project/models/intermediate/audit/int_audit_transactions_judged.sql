with

streams as (

    select * from {{ source('plan', 'streams') }}

),

purchases as (

    select
        events.*,
        streams.stream_id is not null as is_planned_stream
    from {{ ref('int_audit_order_events') }} as events
    left join streams
        on
            events.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'events.event_date') }}
    where
        events.event_name = 'purchase'
        and lower(trim(events.transaction_id))
        not in ('', '0', '(not set)', 'null', 'undefined')

),

reconciliations as (

    select
        channel,
        min(tolerance) as tolerance,
        valid_from,
        valid_to
    from {{ source('plan', 'reconciliations') }}
    where order_table = 'orders'
    group by channel, valid_from, valid_to

),

orders as (

    select * from {{ ref('int_orders_unioned') }}
    where transaction_ref is not null and channel in ('web', 'app')

),

orders_span as (

    select
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at
    from orders

),

orders_by_transaction as (

    select
        transaction_ref,
        max(total_amount) as total_amount,
        max(currency) as currency,
        min(case when is_test then 1 else 0 end) = 1 as is_test_order,
        max(coalesce(tax_amount, 0)) as tax_amount,
        max(coalesce(shipping_amount, 0)) as shipping_amount,
        max(coalesce(discount_amount, 0)) as discount_amount
    from orders
    group by transaction_ref

),

transactions as (

    select
        source,
        transaction_id,
        max(case when is_planned_stream then 1 else 0 end) = 1 as is_planned,
        min(occurred_at) as occurred_at,
        min(event_date) as event_date,
        min_by(platform, occurred_at) as platform,
        min_by(page_path, occurred_at) as page_path,
        min_by(device_category, occurred_at) as device_category,
        min_by(browser, occurred_at) as browser,
        min_by(app_version, occurred_at) as app_version,
        count(*) as event_count,
        min_by(event_value, occurred_at) as event_value,
        min_by(currency, occurred_at) as currency,
        min_by(items_amount, occurred_at) as items_amount
    from purchases
    group by source, transaction_id

),

joined as (

    select
        transactions.*,
        orders.transaction_ref is not null as is_known_order,
        orders.total_amount,
        coalesce(orders.is_test_order, false) as is_test_order,
        coalesce(reconciliations.tolerance, 0.01) as tolerance,
        orders.currency as order_currency,
        orders.tax_amount,
        orders.shipping_amount,
        -- An order may be written some hours after the page that thanks for it.
        transactions.occurred_at between orders_span.first_ordered_at
        and orders_span.last_ordered_at as is_in_order_span,
        transactions.event_value / nullif(
            coalesce(orders.total_amount, nullif(transactions.items_amount, 0)), 0
        ) as value_ratio
    from transactions
    cross join orders_span
    left join orders_by_transaction as orders
        on transactions.transaction_id = orders.transaction_ref
    left join reconciliations
        on
            transactions.platform = reconciliations.channel
            and {{ plan_holds('reconciliations', 'transactions.event_date') }}

),

judged as (

    select
        source,
        {{ surrogate_key(['source', 'transaction_id']) }} as sample_key,
        occurred_at,
        event_date,
        platform,
        'purchase' as subject,
        cast(null as {{ type_string() }}) as detail,
        page_path,
        device_category,
        browser,
        app_version,
        event_count > 1 as gol02,
        case
            when event_value > 0 and value_ratio > 0
                then value_ratio > 20 or value_ratio < 0.05
        end as gol10,
        case
            when is_planned and is_in_order_span then not is_known_order or is_test_order
        end as rec02,
        -- A shift of the decimal point is GOL10's finding, not a second one here.
        case
            when
                is_planned and is_known_order and event_value > 0 and total_amount > 0
                and value_ratio between 0.05 and 20
                then
                    currency <> order_currency
                    or not (
                        abs(event_value - total_amount) <= tolerance * total_amount + 0.01
                        or abs(event_value - (total_amount - shipping_amount))
                        <= tolerance * total_amount + 0.01
                        or abs(event_value - (total_amount - tax_amount))
                        <= tolerance * total_amount + 0.01
                        or abs(event_value - (total_amount - tax_amount - shipping_amount))
                        <= tolerance * total_amount + 0.01
                    )
        end as rec04
    from joined

)

select * from judged
