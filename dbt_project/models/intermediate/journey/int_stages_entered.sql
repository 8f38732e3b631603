{#- What the stages' rules go by, and for how many days each keeps a customer in a stage. -#}
{%- set days = stage_days() -%}
{%- set lasting = {
    'support': days.support, 'purchase_step': days.purchase, 'order': days.order,
    'use': days.use, 'consideration': days.consideration, 'loyalty': days.loyalty,
} -%}
{{ rebuilt_by('customer_id', 'int_touched_customers') }}
-- depends_on: {{ ref('int_touched_customers') }}

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

clock as (
    select * from {{ ref('int_journey_clock') }}
),

-- what happened by a clock that runs ahead counts as now, which is later in every run
ahead as (
    select touchpoints.customer_id
    from touchpoints
    cross join clock
    where touchpoints.occurred_at > clock.now_at
    union
    select orders.customer_id
    from orders
    cross join clock
    where orders.ordered_at > clock.now_at
    union
    select cases.customer_id
    from cases
    cross join clock
    where cases.created_at > clock.now_at or cases.solved_at > clock.now_at
),

{% if is_incremental() -%}
followed as (
    select customer_id from {{ ref('int_touched_customers') }}
    union
    select customer_id from ahead
    union
    select customer_id from {{ this }}
    where is_ahead
),

{% endif -%}
facts as (
    select
        customer_id,
        occurred_at,
        case
            when journey_stage = 'purchase' and source_kind = 'web_event' then 'purchase_step'
            else journey_stage
        end as fact,
        cast(null as timestamp) as touchpoint_at
    from touchpoints
    where
        (
            journey_stage in ('support', 'use', 'consideration', 'loyalty')
            or (journey_stage = 'purchase' and source_kind = 'web_event')
        )
        {%- if is_incremental() %}
        and customer_id in (select customer_id from followed)
        {%- endif %}

    union all

    -- of all others it matters that there was one
    select
        customer_id,
        min(occurred_at) as occurred_at,
        'encounter' as fact,
        min(occurred_at) as touchpoint_at
    from touchpoints
    {%- if is_incremental() %}
    where customer_id in (select customer_id from followed)
    {%- endif %}
    group by customer_id

    union all

    select
        customer_id,
        ordered_at as occurred_at,
        'order' as fact,
        cast(null as timestamp) as touchpoint_at
    from orders
    {%- if is_incremental() %}
    where customer_id in (select customer_id from followed)
    {%- endif %}
),

lasting as (
    select
        customer_id,
        fact,
        occurred_at,
        case fact
            {%- for fact, number in lasting.items() %}
            when '{{ fact }}' then occurred_at + interval '{{ number }} days'
            {%- endfor %}
        end as lasts_until,
        lead(occurred_at) over (partition by customer_id, fact order by occurred_at)
            as next_occurred_at
    from facts
),

-- A stage may change when something happens and when what happened is long enough ago, be it yet to
-- come: what has begun by now is for the reader to tell, and only who did something is read again.
moments as (
    select
        facts.customer_id,
        least(facts.occurred_at, clock.now_at) as moment_at,
        facts.fact,
        facts.occurred_at,
        facts.touchpoint_at,
        0 as cases_opened
    from facts
    cross join clock

    union all

    select
        customer_id,
        lasts_until + interval '1 microseconds' as moment_at,
        'lapse' as fact,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as touchpoint_at,
        0 as cases_opened
    from lasting
    where next_occurred_at is null or next_occurred_at > lasts_until

    union all

    select
        cases.customer_id,
        least(cases.created_at, clock.now_at) as moment_at,
        'case' as fact,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as touchpoint_at,
        1 as cases_opened
    from cases
    cross join clock
    where
        (cases.is_open or cases.solved_at > cases.created_at)
        {%- if is_incremental() %}
        and cases.customer_id in (select customer_id from followed)
        {%- endif %}

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
    where
        not cases.is_open
        and cases.solved_at > cases.created_at
        {%- if is_incremental() %}
        and cases.customer_id in (select customer_id from followed)
        {%- endif %}
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
        entries.visit_number > 1 as is_return,
        entries.entered_at,
        entries.left_at,
        ahead.customer_id is not null as is_ahead
    from entries
    left join ahead on entries.customer_id = ahead.customer_id
)

select * from final
