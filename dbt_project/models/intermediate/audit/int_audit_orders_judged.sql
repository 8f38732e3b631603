with

orders as (

    select * from {{ ref('int_orders_unioned') }}

),

order_lines as (

    select * from {{ ref('int_order_lines_unioned') }}

),

contacts as (

    select * from {{ ref('int_crm_contacts_unioned') }}

),

streams as (

    select * from {{ source('plan', 'streams') }}

),

reconciliations as (

    select distinct
        channel,
        valid_from,
        valid_to
    from {{ source('plan', 'reconciliations') }}
    where order_table = 'orders'

),

days_counted as (

    select counted.*
    from {{ ref('int_audit_web_days_counted') }} as counted
    inner join streams
        on
            counted.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'counted.event_date') }}
    where not counted.is_superseded and not counted.is_duplicate

),

order_events as (

    select events.*
    from {{ ref('int_audit_order_events') }} as events
    inner join streams
        on
            events.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'events.event_date') }}

),

web_span as (

    select
        min(first_occurred_at) as first_event_at,
        max(last_occurred_at) as last_event_at,
        max(case when event_name = 'refund' then 1 else 0 end) = 1 as has_refunds
    from days_counted

),

transactions as (

    select
        transaction_id,
        max(case when event_name = 'purchase' then 1 else 0 end) as was_purchased,
        max(case when event_name = 'refund' then 1 else 0 end) as was_refunded
    from order_events
    group by transaction_id

),

loyalty_members as (

    select distinct loyalty_id from contacts
    where loyalty_id is not null

),

member_counts as (

    select count(*) as member_count from loyalty_members

),

lines_by_order as (

    select
        order_key,
        count(*) as line_count,
        max(case when quantity <= 0 then 1 else 0 end) as has_bad_quantity
    from order_lines
    group by order_key

),

sources_with_lines as (

    select distinct source from order_lines

),

joined as (

    select
        orders.*,
        transactions.was_purchased,
        transactions.was_refunded,
        web_span.has_refunds,
        reconciliations.channel is not null
        and orders.transaction_ref is not null
        and orders.ordered_at between web_span.first_event_at and web_span.last_event_at
        and not coalesce(orders.is_test, false)
        and orders.status in ('paid', 'refunded', 'partially_refunded') as is_reconciled,
        loyalty_members.loyalty_id is not null as is_known_member,
        member_counts.member_count > 0 as has_members,
        coalesce(lines_by_order.line_count, 0) as line_count,
        coalesce(lines_by_order.has_bad_quantity, 0) = 1 as has_bad_quantity,
        sources_with_lines.source is not null as source_has_lines
    from orders
    cross join web_span
    cross join member_counts
    left join reconciliations
        on
            orders.channel = reconciliations.channel
            and {{ plan_holds('reconciliations', 'orders.order_date') }}
    left join transactions
        on orders.transaction_ref = transactions.transaction_id
    left join loyalty_members
        on orders.loyalty_id = loyalty_members.loyalty_id
    left join lines_by_order
        on orders.order_key = lines_by_order.order_key
    left join sources_with_lines
        on orders.source = sources_with_lines.source

),

judged as (

    select
        source,
        order_key as sample_key,
        ordered_at as occurred_at,
        order_date as event_date,
        channel as platform,
        'orders' as subject,
        coalesce(payment_method, 'unknown') as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        case
            when is_reconciled and status = 'refunded' then coalesce(was_refunded, 0) = 0
        end as gol09,
        case when is_reconciled then coalesce(was_purchased, 0) = 0 end as rec01,
        case when is_reconciled then coalesce(was_purchased, 0) = 0 end as rec03,
        case
            when loyalty_id is not null and has_members then not is_known_member
        end as rec07,
        -- A cash sale in a store has no customer, and need not have one.
        case
            when channel <> 'store'
                then
                    customer_ref is null and email_hash is null and phone_hash is null
                    and contact_id is null and loyalty_id is null and user_id is null
        end as crm05,
        case
            when source_has_lines and not is_cancelled and status not in ('refunded', 'voided')
                then line_count = 0 or has_bad_quantity or total_amount < 0
        end as crm07
    from joined

)

select * from judged
