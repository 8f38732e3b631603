{{ read_in_place() }}
with

-- the margin of an order is that of average_order_margin, no second definition
margins as (

    select
        record_key,
        occurred_date,
        customer_id,
        value_number as margin
    from {{ ref('int_orders_observed') }}
    where metric_id = 'average_order_margin' and customer_id is not null

),

members as (

    select
        customer_id,
        loyalty_id_count > 0 as is_member
    from {{ ref('dim_customers') }}

),

-- What the programme pays for the order of a month; a negative cost is what it is paid.
costs as (

    select
        reading_key as record_key,
        measured_date as occurred_date,
        date_trunc('month', measured_date) as cost_month,
        reading_value as cost_eur
    from {{ ref('fct_readings') }}
    where kind = 'programme_costs' and reading_value is not null

),

-- Members buy more because they are members, and are members because they buy more. So they are
-- compared with those who began alike: in the same quarter, with as large a first order.
beginnings as (

    select
        orders.customer_id,
        members.is_member,
        date_trunc('quarter', orders.order_date) as began_in,
        ntile(3) over (order by orders.net_amount_eur, orders.order_key) as began_with
    from {{ ref('fct_orders') }} as orders
    inner join members on orders.customer_id = members.customer_id
    where orders.is_counted and orders.customer_order_number = 1

),

strata as (

    select
        began_in,
        began_with,
        sum(case when is_member then 1 else 0 end) as member_count,
        sum(case when is_member then 0 else 1 end) as peer_count
    from beginnings
    group by began_in, began_with

),

-- each peer stands for so many members
matched as (

    select
        beginnings.customer_id,
        beginnings.is_member,
        strata.member_count / cast(strata.peer_count as double) as members_per_peer
    from beginnings
    inner join strata
        on
            beginnings.began_in = strata.began_in
            and beginnings.began_with = strata.began_with
    where
        strata.member_count > 0
        and strata.peer_count >= {{ metric_setting('programme_min_peers') }}

),

compared as (

    select
        margins.record_key,
        margins.occurred_date,
        date_trunc('month', margins.occurred_date) as order_month,
        margins.customer_id,
        matched.is_member,
        case
            when matched.is_member then margins.margin
            else -margins.margin * matched.members_per_peer
        end as extra_margin
    from margins
    inner join matched on margins.customer_id = matched.customer_id

),

member_orders as (

    select
        order_month,
        count(*) as order_count
    from compared
    where is_member
    group by order_month

),

cost_shares as (

    select
        member_orders.order_month,
        sum(costs.cost_eur) / max(member_orders.order_count) as cost_share
    from costs
    inner join member_orders on costs.cost_month = member_orders.order_month
    group by member_orders.order_month

),

-- The month's costs are borne by its members' orders, so that a day and a customer carry their
-- part; where no member ordered, they stand alone.
returns as (

    select
        compared.record_key,
        compared.occurred_date,
        'loyalty' as journey_stage,
        'all' as channel,
        'all' as touchpoint_id,
        compared.customer_id,
        compared.is_member,
        compared.extra_margin
        - case when compared.is_member then coalesce(cost_shares.cost_share, 0.0) else 0.0 end
            as return_eur
    from compared
    left join cost_shares on compared.order_month = cost_shares.order_month
    -- what it costs must be known before it can be said to pay
    where exists (select 1 from costs)
    union all
    select
        costs.record_key,
        costs.occurred_date,
        'loyalty' as journey_stage,
        'all' as channel,
        'all' as touchpoint_id,
        cast(null as string) as customer_id,
        false as is_member,
        -costs.cost_eur as return_eur
    from costs
    left join member_orders on costs.cost_month = member_orders.order_month
    where member_orders.order_month is null

),

final as (

    {{ observe('returns', [
        {'metric_id': 'programme_return', 'value': 'return_eur', 'counted': 'is_member'},
    ]) | indent(4) }}

)

select * from final
