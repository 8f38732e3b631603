{#- What the stages' rules go by, and for how many days each keeps a customer in a stage. -#}
{%- set days = stage_days() -%}
{%- set lasting = {
    'support': days.support, 'purchase_step': days.purchase, 'order': days.order,
    'use': days.use, 'consideration': days.consideration, 'loyalty': days.loyalty,
} -%}
with

touchpoints as (
    select * from {{ ref('fct_touchpoints') }}
    where customer_id is not null
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_counted and customer_id is not null
),

cases as (
    select * from {{ ref('fct_service_cases') }}
    where not is_deleted and customer_id is not null
),

stages as (
    select
        stage_id,
        stage_order
    from {{ ref('journey_stages') }}
),

clock as (
    select max(occurred_at) as now_at
    from {{ ref('fct_touchpoints') }}
    where occurred_at <= cast(current_timestamp as timestamp)
),

facts as (
    select
        customer_id,
        occurred_at,
        case
            when journey_stage = 'purchase' and source_kind = 'web_event' then 'purchase_step'
            when journey_stage in ('support', 'use', 'consideration', 'loyalty') then journey_stage
            else 'encounter'
        end as fact,
        occurred_at as touchpoint_at
    from touchpoints

    union all

    select
        customer_id,
        ordered_at as occurred_at,
        'order' as fact,
        cast(null as timestamp) as touchpoint_at
    from orders
),

followed as (
    select
        *,
        lead(occurred_at) over (partition by customer_id, fact order by occurred_at)
            as next_occurred_at
    from facts
),

-- A stage may change when something happens and when what happened is long enough ago. A clock that
-- runs ahead counts as now.
moments as (
    select
        followed.customer_id,
        least(followed.occurred_at, clock.now_at) as moment_at,
        followed.fact,
        followed.occurred_at,
        followed.touchpoint_at,
        0 as cases_opened
    from followed
    cross join clock

    union all

    {% for fact, number in lasting.items() -%}
    select
        followed.customer_id,
        followed.occurred_at + interval '{{ number }} days' + interval '1 microseconds'
            as moment_at,
        'lapse' as fact,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as touchpoint_at,
        0 as cases_opened
    from followed
    cross join clock
    where
        followed.fact = '{{ fact }}'
        and followed.occurred_at + interval '{{ number }} days' < clock.now_at
        and (
            followed.next_occurred_at is null
            or followed.next_occurred_at > followed.occurred_at + interval '{{ number }} days'
        )

    union all

    {% endfor -%}
    select
        cases.customer_id,
        least(cases.created_at, clock.now_at) as moment_at,
        'case' as fact,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as touchpoint_at,
        1 as cases_opened
    from cases
    cross join clock
    where cases.is_open or cases.solved_at > cases.created_at

    union all

    select
        cases.customer_id,
        least(cases.solved_at, clock.now_at) as moment_at,
        'case' as fact,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as touchpoint_at,
        -1 as cases_opened
    from cases
    cross join clock
    where not cases.is_open and cases.solved_at > cases.created_at
),

gathered as (
    select
        customer_id,
        moment_at as now_at,
        max(touchpoint_at) as touchpoint_at,
        {%- for fact in lasting %}
        max(case when fact = '{{ fact }}' then occurred_at end) as {{ fact }}_at,
        {%- endfor %}
        sum(case when fact = 'order' then 1 else 0 end) as orders,
        sum(cases_opened) as cases_opened
    from moments
    group by customer_id, moment_at
),

known as (
    select
        customer_id,
        now_at,
        {%- for fact in ['touchpoint'] + lasting.keys() | list %}
        max({{ fact }}_at) over (
            partition by customer_id order by now_at
            rows between unbounded preceding and current row
        ) as last_{{ fact }}_at,
        {%- endfor %}
        sum(orders) over (
            partition by customer_id order by now_at
            rows between unbounded preceding and current row
        ) as order_count,
        sum(cases_opened) over (
            partition by customer_id order by now_at
            rows between unbounded preceding and current row
        ) as open_case_count
    from gathered
),

staged as (
    select
        customer_id,
        now_at as entered_at,
        {{ customer_stage() }} as journey_stage
    from known
),

compared as (
    select
        customer_id,
        entered_at,
        journey_stage,
        lag(journey_stage) over (partition by customer_id order by entered_at) as stage_before
    from staged
    where journey_stage is not null
),

entries as (
    select
        customer_id,
        entered_at,
        journey_stage,
        row_number() over (partition by customer_id order by entered_at) as transition_number,
        row_number() over (
            partition by customer_id, journey_stage order by entered_at
        ) as visit_number,
        lag(journey_stage) over (partition by customer_id order by entered_at) as previous_stage,
        lead(journey_stage) over (partition by customer_id order by entered_at) as next_stage,
        lead(entered_at) over (partition by customer_id order by entered_at) as left_at
    from compared
    where stage_before is null or stage_before <> journey_stage
),

final as (
    select
        {{ surrogate_key([
            "'stage_transition'", 'entries.customer_id', 'entries.transition_number'
        ]) }} as stage_transition_key,
        entries.customer_id,
        cast(entries.transition_number as bigint) as transition_number,
        entries.journey_stage,
        entries.previous_stage,
        entries.next_stage,
        case
            when previous_stages.stage_order is null then 'entry'
            when previous_stages.stage_order < stages.stage_order then 'forward'
            else 'back'
        end as direction,
        entries.visit_number > 1 as is_return,
        entries.entered_at,
        {{ local_date('entries.entered_at') }} as entered_date,
        entries.left_at,
        entries.left_at is null as is_current,
        {{ seconds_between('entries.entered_at', 'coalesce(entries.left_at, clock.now_at)') }}
            as seconds_in_stage
    from entries
    cross join clock
    inner join stages on entries.journey_stage = stages.stage_id
    left join stages as previous_stages on entries.previous_stage = previous_stages.stage_id
)

select * from final
