{{ read_in_place() }}
with

orders as (

    select * from {{ ref('fct_orders') }}

),

touchpoints as (

    select * from {{ ref('touchpoints') }}
    where source_kind = 'order'

),

refunds as (

    select * from {{ ref('fct_refunds') }}
    -- what is refunded of an order is taken off the order
    where order_status = 'not_named' and revenue_date is not null

),

contracts as (

    select * from {{ ref('fct_contracts') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

answers as (

    select * from {{ ref('int_survey_scores_placed') }}
    where metric_id = 'nps' and scale_min = 0 and scale_max = 10

),

-- What was bought and paid for, by the rule of int_orders_valued.
purchases as (

    select
        orders.order_key as record_key,
        orders.order_date as occurred_date,
        orders.ordered_at,
        coalesce(touchpoints.stage_id, 'purchase') as journey_stage,
        orders.channel,
        touchpoints.touchpoint_id,
        orders.customer_id,
        cast(orders.net_amount_eur as double) as net_amount_eur,
        -- what stays when tax and delivery are passed on; a refund returns its share of both
        case
            when orders.total_amount > 0
                then
                    cast(orders.net_amount_eur as double)
                    * (
                        1
                        - cast(
                            coalesce(orders.tax_amount, 0) + coalesce(orders.shipping_amount, 0)
                            as double
                        ) / cast(orders.total_amount as double)
                    )
        end as sales_eur,
        case
            when orders.total_amount > 0
                then
                    cast(orders.cost_amount as double)
                    * cast(orders.total_amount_eur as double)
                    / cast(orders.total_amount as double)
        end as cost_eur,
        orders.unit_count,
        orders.customer_order_number
    from orders
    left join touchpoints on orders.channel = touchpoints.channel
    where orders.is_counted

),

-- What came back without a receipt lowers revenue, and no order's value.
sold as (

    select
        record_key,
        occurred_date,
        journey_stage,
        channel,
        touchpoint_id,
        customer_id,
        net_amount_eur,
        true as is_order
    from purchases
    where net_amount_eur is not null
    union all
    select
        refunds.refund_key as record_key,
        refunds.revenue_date as occurred_date,
        coalesce(touchpoints.stage_id, 'purchase') as journey_stage,
        refunds.channel,
        touchpoints.touchpoint_id,
        refunds.customer_id,
        -cast(refunds.refund_amount_eur as double) as net_amount_eur,
        false as is_order
    from refunds
    left join touchpoints on refunds.channel = touchpoints.channel
    where refunds.refund_amount_eur is not null

),

sequenced as (

    select
        *,
        sum(net_amount_eur) over (
            partition by customer_id order by customer_order_number
            rows between unbounded preceding and current row
        ) as revenue_to_date,
        {{ seconds_between(
            'lag(ordered_at) over (partition by customer_id order by customer_order_number)',
            'ordered_at'
        ) }} / 86400 as days_since_last_order,
        lead(occurred_date) over (partition by customer_id order by customer_order_number)
            as next_order_date,
        max(occurred_date) over () as last_known_date
    from purchases
    where customer_id is not null

),

patience as (

    select
        {{ metric_setting('churn_gaps') }}
        * {{ quantile('days_since_last_order', 0.5) }} as patience_days
    from sequenced
    where days_since_last_order is not null

),

-- Everybody is waited for equally long, k median gaps after an order. Whose time has not run out
-- yet is neither lost nor kept.
due as (

    select
        sequenced.record_key,
        {{ days_after('sequenced.occurred_date', 'ceil(patience.patience_days)') }}
            as occurred_date,
        sequenced.journey_stage,
        sequenced.channel,
        sequenced.touchpoint_id,
        sequenced.customer_id,
        sequenced.next_order_date,
        sequenced.last_known_date
    from sequenced
    cross join patience
    where patience.patience_days is not null

),

-- Who has a contract is not waited for by orders: its end says whether they go.
bound as (

    select distinct due.record_key
    from due
    inner join contracts
        on
            due.customer_id = contracts.customer_id
            and due.occurred_date >= contracts.started_date
            and (contracts.last_date is null or due.occurred_date <= contracts.last_date)

),

run_out as (

    select
        due.record_key,
        due.occurred_date,
        due.journey_stage,
        due.channel,
        due.touchpoint_id,
        due.customer_id,
        case
            when due.next_order_date is null or due.next_order_date > due.occurred_date then 1
            else 0
        end as is_lost
    from due
    left join bound on due.record_key = bound.record_key
    where due.occurred_date <= due.last_known_date and bound.record_key is null

),

contracts_run_out as (

    select
        contract_key as record_key,
        last_date as occurred_date,
        'purchase' as journey_stage,
        channel,
        cast(null as string) as touchpoint_id,
        customer_id,
        case when is_continued then 0 else 1 end as is_lost
    from contracts
    where is_over

),

-- Money spent to win customers, and those won: two sides of one ratio, which meet in the total.
acquisition as (

    select
        ad_spend_key as record_key,
        spend_date as occurred_date,
        'all' as journey_stage,
        'all' as channel,
        'all' as touchpoint_id,
        cast(null as string) as customer_id,
        cast(spend_amount_eur as double) as spend_eur,
        0 as new_customers
    from spend
    where spend_amount_eur is not null
    union all
    select
        record_key,
        occurred_date,
        'all' as journey_stage,
        'all' as channel,
        'all' as touchpoint_id,
        customer_id,
        0.0 as spend_eur,
        1 as new_customers
    from purchases
    where
        customer_order_number = 1
        and occurred_date >= (select min(spend.spend_date) from spend)

),

-- What people spent in the window after they said whether they would recommend.
spent_after as (

    select
        answers.survey_answer_key as record_key,
        answers.occurred_date,
        'all' as journey_stage,
        'all' as channel,
        'all' as touchpoint_id,
        answers.customer_id,
        answers.score,
        -- the last digits of a sum of doubles depend on the order of the rows: cents do not
        round(coalesce(sum(later.net_amount_eur), 0.0), 2) as spend_eur
    from answers
    left join sequenced as later
        on
            answers.customer_id = later.customer_id
            and answers.occurred_date < later.occurred_date
            and later.occurred_date
            <= {{ days_after('answers.occurred_date', metric_setting('spend_window_days')) }}
    where
        answers.customer_id is not null
        and {{ days_after('answers.occurred_date', metric_setting('spend_window_days')) }}
        <= (select max(purchases.occurred_date) from purchases)
    group by
        answers.survey_answer_key, answers.occurred_date, answers.customer_id, answers.score

),

final as (

    {{ observe('purchases', [
        {
            'metric_id': 'average_order_value',
            'value': 'net_amount_eur',
            'where': 'net_amount_eur is not null',
        },
        {
            'metric_id': 'average_order_margin',
            'value': 'sales_eur - cost_eur',
            'where': 'sales_eur is not null and cost_eur is not null',
        },
        {
            'metric_id': 'gross_margin',
            'value': 'sales_eur - cost_eur',
            'base': 'sales_eur',
            'where': 'sales_eur is not null and cost_eur is not null',
        },
        {
            'metric_id': 'average_price',
            'value': 'net_amount_eur',
            'base': 'unit_count',
            'where': 'net_amount_eur is not null and unit_count > 0',
        },
        {
            'metric_id': 'average_price_new_customers',
            'value': 'net_amount_eur',
            'base': 'unit_count',
            'where': 'net_amount_eur is not null and unit_count > 0 and customer_order_number = 1',
        },
        {
            'metric_id': 'average_price_returning_customers',
            'value': 'net_amount_eur',
            'base': 'unit_count',
            'where': 'net_amount_eur is not null and unit_count > 0 and customer_order_number > 1',
        },
        {
            'metric_id': 'repeat_purchase_rate',
            'value': 'case when customer_order_number > 1 then 1 else 0 end',
            'where': 'customer_order_number is not null',
        },
        {
            'metric_id': 'purchase_frequency',
            'value': '1',
            'where': 'customer_id is not null',
        },
    ]) | indent(4) }}
    union all
    {{ observe('sold', [
        {'metric_id': 'revenue', 'value': 'net_amount_eur', 'counted': 'is_order'},
    ]) | indent(4) }}
    union all
    {{ observe('sequenced', [
        {'metric_id': 'customer_lifetime_value', 'value': 'revenue_to_date'},
        {
            'metric_id': 'days_between_orders',
            'value': 'days_since_last_order',
            'where': 'days_since_last_order is not null',
        },
    ]) | indent(4) }}
    union all
    {{ observe('run_out', [
        {'metric_id': 'churn', 'value': 'is_lost'},
    ]) | indent(4) }}
    union all
    {{ observe('contracts_run_out', [
        {'metric_id': 'churn', 'value': 'is_lost'},
        {'metric_id': 'contract_churn', 'value': 'is_lost'},
    ]) | indent(4) }}
    union all
    {{ observe('acquisition', [
        {
            'metric_id': 'acquisition_cost',
            'value': 'spend_eur',
            'base': 'new_customers',
            'counted': 'new_customers = 1',
        },
    ]) | indent(4) }}
    union all
    {{ observe('spent_after', [
        {'metric_id': 'spend_after_promoter', 'value': 'spend_eur', 'where': 'score >= 9'},
        {'metric_id': 'spend_after_passive', 'value': 'spend_eur', 'where': 'score in (7, 8)'},
        {'metric_id': 'spend_after_detractor', 'value': 'spend_eur', 'where': 'score <= 6'},
    ]) | indent(4) }}

)

select * from final
