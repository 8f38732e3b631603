{#- Places, cells and customers are numbered within this model: millions of rows are grouped by
    three numbers instead of ten names, nearly half the work of the largest step of the metric
    marts. Who is always seen at one place of a metric (one channel, one touchpoint, …) lies in each
    of its cells alike and is summed up once per place; only the others are followed into every
    cell, to be counted once in each.

    Of records themselves only sums are needed, which know no customer: they are summed up by place and
    day. By customer it is two sums and a largest value, from which cells have their clustering, and
    those of metrics that count each customer once all the rest.

    Goals are shares of the same visits. What depends on the visits alone is summed once for all of
    them; of each goal only the customers who ever met it are followed, because what the others add
    to its sums is zero. -#}
{{ rebuilt_by_metric_period() }}
{% set visits = "'" ~ visits_record_set() ~ "'" -%}
{%- set visit_sums = {
    'visits': 'customer_value is null', 'visitors': 'customer_value is not null',
} -%}
{%- set dimensions = ['journey_stage', 'channel', 'touchpoint_id', 'persona_id'] -%}
{%- set moments = ['n', 'w', 'ww', 'wx', 'wb', 'wxx', 'wwxx', 'wwxb', 'wwbb'] -%}
{%- set customer_sums = ['customer_count', 'wx', 'cxx', 'cxb', 'cbb'] -%}
{%- set sums = ['n', 'customer_count'] + moments[1:] + ['cxx', 'cxb', 'cbb'] -%}

-- noqa: disable=LT02
{% set record_ctes %}
metrics as (

    select * from {{ ref('metric_catalogue') }}
    where estimator in ('share', 'mean', 'net', 'ratio', 'total')

),

grains as (

    select * from {{ ref('int_metric_grains_applied') }}

),

-- What is summed: of a metric its own records, and the visits once for each way to count customers.
sums as (

    select
        metric_id as sum_id,
        {{ own_record_set('metrics') }} as record_set,
        customer_value
    from metrics
    {%- for sum_id, is_counted_so in visit_sums.items() %}
    union all
    select
        '{{ sum_id }}' as sum_id,
        {{ visits }} as record_set,
        max(customer_value) as customer_value
    from metrics
    where goal_event is not null and {{ is_counted_so }}
    having count(*) > 0
    {%- endfor %}

),

sum_grains as (

    select distinct
        sums.sum_id,
        grains.period_type,
        grains.grain_id,
        grains.by_stage,
        grains.by_channel,
        grains.by_touchpoint,
        grains.by_persona
    from sums
    inner join metrics
        on
            sums.sum_id = metrics.metric_id
            or (metrics.goal_event is not null and sums.sum_id = {{ visit_sum('metrics') }})
    inner join grains on metrics.metric_id = grains.metric_id

),

{% if is_incremental() -%}
{{ touched_metric_periods() }}

{% endif -%}
records as (

    {% if is_incremental() -%}
    select * from {{ ref('int_metric_records') }}
    where
        (record_set, occurred_date) in (select (record_set, occurred_date) from read_days)
        and record_set in (select sums.record_set from sums)
    {%- else -%}
    select * from {{ ref('int_metric_records') }}
    where record_set in (select sums.record_set from sums)
    {%- endif %}

)
{% endset %}

{% set numbered_places %}
select
    record_set,
    {{ dimensions | join(', ') }},
    row_number() over (order by record_set, {{ dimensions | join(', ') }}) as place_number
from (
    -- who met a goal anywhere is followed to all places of visits
    select distinct
        sums.record_set,
        {{ prefixed(dimensions, 'used') }}
    from (select distinct record_set, {{ dimensions | join(', ') }} from records) as used
    inner join sums
        on
            used.record_set = sums.record_set
            or (
                used.record_set = {{ visits }}
                and sums.record_set like {{ goal_record_set("'%'") }}
            )
) as numbered
{% endset %}

{% set place_ctes %}
{{ record_ctes }},

{{ computed_once('places', numbered_places, given=record_ctes) }},

customers as (

    select
        customer_id,
        row_number() over (order by customer_id) as customer_number
    from (select distinct customer_id from records) as used

),

placed as (

    select
        sum_grains.sum_id,
        sum_grains.period_type,
        sum_grains.grain_id,
        places.place_number,
        sums.customer_value,
        {{ cell_dimensions('places', 'sum_grains') }}
    from sums
    inner join places on sums.record_set = places.record_set
    inner join sum_grains on sums.sum_id = sum_grains.sum_id

),

cells as (

    select
        sum_id,
        period_type,
        grain_id,
        customer_value,
        {{ dimensions | join(', ') }},
        row_number() over (
            order by sum_id, period_type, grain_id, {{ dimensions | join(', ') }}
        ) as cell_number
    from (
        select distinct
            sum_id,
            period_type,
            grain_id,
            customer_value,
            {{ dimensions | join(', ') }}
        from placed
    ) as used

),

place_cells as (

    select
        placed.place_number,
        placed.period_type,
        placed.customer_value,
        cells.cell_number
    from placed
    inner join cells
        on {{ agree_on(['sum_id', 'period_type', 'grain_id'] + dimensions, 'placed', 'cells') }}

)
{% endset %}

{% set records_at_places %}
select
    places.record_set,
    places.place_number,
    customers.customer_number,
    records.occurred_date,
    records.value_number,
    records.base_number,
    records.weight,
    records.is_counted
from records
inner join places on {{ agree_on(['record_set'] + dimensions, 'records', 'places') }}
inner join customers on records.customer_id = customers.customer_id
{% endset %}

{% set placed_ctes %}
{{ place_ctes }},

{{ computed_once('placed_records', records_at_places, given=place_ctes) }}
{% endset %}

{% set days_at_places %}
select
    record_set,
    place_number,
    customer_number,
    occurred_date,
    {{ exact_sum('weight * value_number') }} as wx,
    {{ exact_sum('weight * base_number') }} as wb,
    max(value_number) as any_value
from placed_records
group by record_set, place_number, customer_number, occurred_date
{% endset %}

{% set day_ctes %}
{{ placed_ctes }},

{{ computed_once('own_days', days_at_places, given=placed_ctes) }},

-- The visits of those who met a goal, with what they met.
goal_days as (

    select
        followed.record_set,
        goal_places.place_number,
        visits.customer_number,
        visits.occurred_date,
        {{ value_of_goal('wx') }} as wx,
        {{ value_of_goal('wb') }} as wb,
        coalesce(met.any_value, 0) as any_value
    from own_days as visits
    inner join (
        select distinct
            record_set,
            customer_number
        from own_days
        where record_set like {{ goal_record_set("'%'") }}
    ) as followed
        on visits.customer_number = followed.customer_number
    inner join places as visit_places on visits.place_number = visit_places.place_number
    inner join places as goal_places
        on
            followed.record_set = goal_places.record_set
            and {{ agree_on(dimensions, 'visit_places', 'goal_places') }}
    left join own_days as met
        on
            goal_places.place_number = met.place_number
            and visits.customer_number = met.customer_number
            and visits.occurred_date = met.occurred_date
    where visits.record_set = {{ visits }}

),

customer_days as (

    select * from own_days
    where record_set not like {{ goal_record_set("'%'") }}
    union all
    select * from goal_days

),

roaming as (

    select
        record_set,
        customer_number
    from customer_days
    group by record_set, customer_number
    having min(place_number) <> max(place_number)

),

customer_days_marked as (

    select
        customer_days.*,
        roaming.customer_number is not null as is_roaming
    from customer_days
    left join roaming
        on
            customer_days.record_set = roaming.record_set
            and customer_days.customer_number = roaming.customer_number

)
{% endset %}

{#- Periods before grains: a customer's records of a month are few, the grains are many. -#}
{% set periods_of_customers %}
select
    place_number,
    customer_number,
    is_roaming,
    period_type,
    period_start,
    {{ exact_sum('wx') }} as wx,
    {{ exact_sum('wb') }} as wb,
    max(any_value) as any_value
from (
    select
        customer_days_marked.*,
        period_types.period_type,
        {{ period_start('customer_days_marked.occurred_date', 'period_types.period_type') }}
            as period_start
    from customer_days_marked
    cross join (select distinct period_type from grains) as period_types
) as dated
{%- if is_incremental() %}
where
    (record_set, period_type, period_start) in (
        select (record_set, period_type, period_start) from read_periods
    )
{%- endif %}
group by place_number, customer_number, is_roaming, period_type, period_start
{% endset %}

{% set period_ctes %}
{{ day_ctes }},

{{ computed_once('customer_periods', periods_of_customers, given=day_ctes) }},

settled_customers as (

    select
        customer_periods.place_number,
        customer_periods.period_type,
        customer_periods.period_start,
        counted.customer_value,
        {{ once_per_customer(['wx', 'wb'], 'counted.customer_value') }}
    from customer_periods
    inner join (
        select distinct
            place_number,
            customer_value
        from placed
    ) as counted
        on customer_periods.place_number = counted.place_number
    where not customer_periods.is_roaming

),

settled_by_place as (

    select
        place_number,
        period_type,
        period_start,
        customer_value,
        {{ customer_moments(['wx']) }}
    from settled_customers
    group by place_number, period_type, period_start, customer_value

),

roaming_in_cells as (

    select
        place_cells.cell_number,
        customer_periods.customer_number,
        customer_periods.period_start,
        place_cells.customer_value,
        {{ exact_sum('customer_periods.wx') }} as wx,
        {{ exact_sum('customer_periods.wb') }} as wb,
        max(customer_periods.any_value) as any_value
    from customer_periods
    inner join place_cells
        on
            customer_periods.place_number = place_cells.place_number
            and customer_periods.period_type = place_cells.period_type
    where customer_periods.is_roaming
    group by
        place_cells.cell_number, place_cells.customer_value, customer_periods.customer_number,
        customer_periods.period_start

),

roaming_customers as (

    select
        cell_number,
        period_start,
        {{ once_per_customer(['wx', 'wb'], 'customer_value') }}
    from roaming_in_cells

),

roaming_by_cell as (

    select
        cell_number,
        period_start,
        {{ customer_moments(['wx']) }}
    from roaming_customers
    group by cell_number, period_start

),

united as (

    select
        place_cells.cell_number,
        settled_by_place.period_start,
        {{ prefixed(customer_sums, 'settled_by_place') }}
    from settled_by_place
    inner join place_cells
        on
            settled_by_place.place_number = place_cells.place_number
            and settled_by_place.period_type = place_cells.period_type
            and coalesce(settled_by_place.customer_value, '')
            = coalesce(place_cells.customer_value, '')

    union all

    select
        cell_number,
        period_start,
        {{ customer_sums | join(',\n        ') }}
    from roaming_by_cell

),

customers_by_cell as (

    select
        cell_number,
        period_start,
        {%- for name in customer_sums %}
        {{ exact_sum(name) }} as {{ name }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from united
    group by cell_number, period_start

),

records_by_day as (

    select
        place_number,
        occurred_date,
        {{ observation_moments() }}
    from placed_records
    group by place_number, occurred_date

),

records_by_cell as (

    select
        place_cells.cell_number,
        {{ period_start('records_by_day.occurred_date', 'place_cells.period_type') }}
            as period_start,
        {%- for name in moments %}
        {{ exact_sum('records_by_day.' ~ name) }} as {{ name }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from records_by_day
    inner join place_cells on records_by_day.place_number = place_cells.place_number
    group by
        place_cells.cell_number,
        {{ period_start('records_by_day.occurred_date', 'place_cells.period_type') }}

),

-- what a metric counts once per customer has no other records than its customers
summed as (

    select
        customers_by_cell.cell_number,
        customers_by_cell.period_start,
        cast(
            case
                when cells.customer_value is null then records_by_cell.n
                else customers_by_cell.customer_count
            end as bigint
        ) as n,
        {%- for name in moments[1:] %}
        case
            when cells.customer_value is null then records_by_cell.{{ name }}
            {%- if name in ['wx', 'wwxb'] %}
            else customers_by_cell.wx
            {%- elif name in ['wxx', 'wwxx'] %}
            else customers_by_cell.cxx
            {%- else %}
            else customers_by_cell.customer_count
            {%- endif %}
        end as {{ name }},
        {%- endfor %}
        cast(customers_by_cell.customer_count as bigint) as customer_count,
        customers_by_cell.cxx,
        customers_by_cell.cxb,
        customers_by_cell.cbb
    from customers_by_cell
    inner join cells on customers_by_cell.cell_number = cells.cell_number
    inner join records_by_cell
        on
            customers_by_cell.cell_number = records_by_cell.cell_number
            and customers_by_cell.period_start = records_by_cell.period_start
    -- records of a ratio's other side alone make no figure
    where cells.customer_value is not null or records_by_cell.n > 0

)
{% endset %}

{% set summed_figures %}
select
    cells.sum_id,
    cells.period_type,
    cells.grain_id,
    summed.period_start,
    {{ prefixed(dimensions, 'cells') }},
    {{ prefixed(sums, 'summed') }}
from summed
inner join cells on summed.cell_number = cells.cell_number
{% endset %}

with

{{ period_ctes }},

{{ computed_once('figures', summed_figures, given=period_ctes) }},

-- n, weights and bases are those of the visits, values those of the goal
goal_figures as (

    select
        metrics.metric_id,
        visits.period_type,
        visits.grain_id,
        visits.period_start,
        case when grains.by_stage then metrics.stages else visits.journey_stage end
            as journey_stage,
        {{ prefixed(dimensions[1:], 'visits') }},
        {%- for name in sums %}
        {{ value_of_goal(name) }} as {{ name }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from metrics
    inner join figures as visits on {{ visit_sum('metrics') }} = visits.sum_id
    inner join grains
        on
            metrics.metric_id = grains.metric_id
            and visits.period_type = grains.period_type
            and visits.grain_id = grains.grain_id
    left join figures as met
        on
            metrics.metric_id = met.sum_id
            and {{ agree_on(
                ['period_type', 'grain_id', 'period_start'] + dimensions, 'visits', 'met'
            ) }}
    where metrics.goal_event is not null

),

final as (

    select
        figures.sum_id as metric_id,
        figures.period_type,
        figures.grain_id,
        figures.period_start,
        {{ prefixed(dimensions, 'figures') }},
        {{ prefixed(sums, 'figures') }}
    from figures
    inner join metrics on figures.sum_id = metrics.metric_id
    where metrics.goal_event is null
    union all
    select * from goal_figures

)

select * from final
{% if is_incremental() -%}
-- the visits that one goal's period was computed from say nothing new of the other goals
where
    (metric_id, period_type, period_start) in (
        select (metric_id, period_type, period_start) from touched_periods
    )
{%- endif %}
