{#- Places, cells and customers are numbered within this model: millions of rows are grouped by
    three numbers instead of ten names, nearly half the work of the largest step of the metric
    marts. Who is always seen at one place of a metric (one channel, one touchpoint, …) lies in each
    of its cells alike and is summed up once per place; only the others are followed into every
    cell, to be counted once in each. -#}
{%- set dimensions = ['journey_stage', 'channel', 'touchpoint_id', 'persona_id'] -%}
{%- set moments = ['n', 'w', 'ww', 'wx', 'wb', 'wxx', 'wwxx', 'wwxb', 'wwbb'] -%}
{%- set sums = ['n', 'customer_count'] + moments[1:] + ['cxx', 'cxb', 'cbb'] -%}
with

metrics as (

    select * from {{ ref('metric_catalogue') }}
    where estimator in ('share', 'mean', 'net', 'ratio', 'total')

),

grains as (

    select * from {{ ref('int_metric_grains_applied') }}

),

observations as (

    select observations.*
    from {{ ref('int_metric_observations') }} as observations
    inner join metrics on observations.metric_id = metrics.metric_id

),

places as (

    select
        metric_id,
        {{ dimensions | join(', ') }},
        row_number() over (order by metric_id, {{ dimensions | join(', ') }}) as place_number
    from (select distinct metric_id, {{ dimensions | join(', ') }} from observations) as used

),

customers as (

    select
        customer_id,
        row_number() over (order by customer_id) as customer_number
    from (select distinct customer_id from observations) as used

),

placed as (

    select
        grains.period_type,
        grains.grain_id,
        places.metric_id,
        places.place_number,
        {{ cell_dimensions('places', 'grains') }}
    from places
    inner join grains on places.metric_id = grains.metric_id

),

cells as (

    select
        metric_id,
        period_type,
        grain_id,
        {{ dimensions | join(', ') }},
        row_number() over (
            order by metric_id, period_type, grain_id, {{ dimensions | join(', ') }}
        ) as cell_number
    from (
        select distinct metric_id, period_type, grain_id, {{ dimensions | join(', ') }} from placed
    ) as used

),

place_cells as (

    select
        placed.place_number,
        placed.period_type,
        cells.cell_number,
        metrics.customer_value
    from placed
    inner join cells
        on
            placed.metric_id = cells.metric_id
            and placed.period_type = cells.period_type
            and placed.grain_id = cells.grain_id
            {%- for dimension in dimensions %}
            and placed.{{ dimension }} = cells.{{ dimension }}
            {%- endfor %}
    inner join metrics on placed.metric_id = metrics.metric_id

),

customer_days as (

    select
        places.place_number,
        customers.customer_number,
        observations.occurred_date,
        {{ observation_moments() }},
        max(observations.value_number) as any_value
    from observations
    inner join places
        on
            observations.metric_id = places.metric_id
            {%- for dimension in dimensions %}
            and observations.{{ dimension }} = places.{{ dimension }}
            {%- endfor %}
    inner join customers on observations.customer_id = customers.customer_id
    group by places.place_number, customers.customer_number, observations.occurred_date

),

roaming as (

    select
        places.metric_id,
        customer_days.customer_number
    from customer_days
    inner join places on customer_days.place_number = places.place_number
    group by places.metric_id, customer_days.customer_number
    having min(customer_days.place_number) <> max(customer_days.place_number)

),

customer_days_marked as (

    select
        customer_days.*,
        metrics.customer_value,
        roaming.customer_number is not null as is_roaming
    from customer_days
    inner join places on customer_days.place_number = places.place_number
    inner join metrics on places.metric_id = metrics.metric_id
    left join roaming
        on
            places.metric_id = roaming.metric_id
            and customer_days.customer_number = roaming.customer_number

),

-- Periods before grains: a customer's records of a month are few, the grains are many.
customer_periods as (

    select
        place_number,
        customer_number,
        is_roaming,
        customer_value,
        period_type,
        period_start,
        {%- for moment in moments %}
        sum({{ moment }}) as {{ moment }},
        {%- endfor %}
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
    group by
        place_number, customer_number, is_roaming, customer_value, period_type, period_start

),

settled_customers as (

    select
        place_number,
        period_type,
        period_start,
        {{ once_per_customer(moments, 'customer_value') }}
    from customer_periods
    where not is_roaming

),

settled_by_place as (

    select
        place_number,
        period_type,
        period_start,
        {{ customer_moments() }}
    from settled_customers
    group by place_number, period_type, period_start

),

roaming_in_cells as (

    select
        place_cells.cell_number,
        customer_periods.customer_number,
        customer_periods.period_start,
        place_cells.customer_value,
        {%- for moment in moments %}
        sum(customer_periods.{{ moment }}) as {{ moment }},
        {%- endfor %}
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
        {{ once_per_customer(moments, 'customer_value') }}
    from roaming_in_cells

),

roaming_by_cell as (

    select
        cell_number,
        period_start,
        {{ customer_moments() }}
    from roaming_customers
    group by cell_number, period_start

),

united as (

    select
        place_cells.cell_number,
        settled_by_place.period_start,
        {{ sums | join(',\n        ') }}
    from settled_by_place
    inner join place_cells
        on
            settled_by_place.place_number = place_cells.place_number
            and settled_by_place.period_type = place_cells.period_type

    union all

    select
        cell_number,
        period_start,
        {{ sums | join(',\n        ') }}
    from roaming_by_cell

),

summed as (

    select
        cell_number,
        period_start,
        {%- for name in sums[2:] %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        cast(sum(n) as bigint) as n,
        cast(sum(customer_count) as bigint) as customer_count
    from united
    group by cell_number, period_start
    -- records of a ratio's other side alone make no figure
    having sum(n) > 0

),

final as (

    select
        cells.metric_id,
        cells.period_type,
        cells.grain_id,
        summed.period_start,
        {%- for dimension in dimensions %}
        cells.{{ dimension }},
        {%- endfor %}
        summed.n,
        summed.customer_count,
        {%- for moment in moments[1:] %}
        summed.{{ moment }},
        {%- endfor %}
        summed.cxx,
        summed.cxb,
        summed.cbb
    from summed
    inner join cells on summed.cell_number = cells.cell_number

)

select * from final
