{{ written_by_difference() }}
{#- What a cell is made of, but for names: record_key is left out, for no cell knows it, and so is
    customer_id, for a cell knows which records are one customer's and not whose. Two ids that turn
    out to be one customer's change only the periods in which both were seen. -#}
{%- set goals = goal_record_set("'%'") -%}
{%- set period_types = ['day', 'week', 'month', 'quarter'] -%}
with

metrics as (
    select * from {{ ref('metric_catalogue') }}
),

grains as (
    select * from {{ ref('int_metric_grains_applied') }}
),

-- A customer of another persona is another record to those sets alone that are broken down by it.
record_sets as (
    select
        record_set,
        bool_or(by_stage) as by_stage,
        bool_or(by_channel) as by_channel,
        bool_or(by_touchpoint) as by_touchpoint,
        bool_or(by_persona) as by_persona
    from (
        {%- for record_set in [own_record_set('metrics'), counted_record_set('metrics')] %}
        select
            {{ record_set }} as record_set,
            grains.by_stage,
            grains.by_channel,
            grains.by_touchpoint,
            grains.by_persona
        from metrics
        inner join grains on metrics.metric_id = grains.metric_id
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ) as used
    group by record_set
),

hashed as (
    select
        records.record_set,
        records.occurred_date,
        {{ row_hash(['records.customer_id']) }} as customer_hash,
        {{ row_hash([
            'records.occurred_date', 'records.value_number', 'records.base_number',
            'records.weight', 'records.is_censored', 'records.is_counted',
            'case when record_sets.by_stage then records.journey_stage end',
            'case when record_sets.by_channel then records.channel end',
            'case when record_sets.by_touchpoint then records.touchpoint_id end',
            'case when record_sets.by_persona then records.persona_id end',
        ]) }} as record_hash
    from {{ ref('int_metric_records') }} as records
    inner join record_sets on records.record_set = record_sets.record_set
),

customer_periods as (
    {% for period_type in period_types -%}
    select
        record_set,
        '{{ period_type }}' as period_type,
        {{ period_start('occurred_date', "'" ~ period_type ~ "'") }} as period_start,
        customer_hash,
        count(*) as record_count,
        sum(record_hash) as records_hash
    from hashed
    group by
        record_set, {{ period_start('occurred_date', "'" ~ period_type ~ "'") }}, customer_hash
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

-- A goal is a share of the visits of those who met it: whose visits they are matters here.
followed as (
    select
        record_set,
        period_type,
        period_start,
        record_count,
        {{ sums_hash(['records_hash']) }} as customer_records_hash
    from customer_periods
    where record_set not like {{ goals }}
    union all
    select
        met.record_set,
        met.period_type,
        met.period_start,
        met.record_count,
        {{ sums_hash(['met.records_hash', 'visits.records_hash']) }} as customer_records_hash
    from customer_periods as met
    left join customer_periods as visits
        on
            met.customer_hash = visits.customer_hash
            and met.period_type = visits.period_type
            and met.period_start = visits.period_start
            and visits.record_set = '{{ visits_record_set() }}'
    where met.record_set like {{ goals }}
),

final as (
    select
        record_set,
        period_type,
        period_start,
        cast(sum(record_count) as bigint) as record_count,
        cast(sum(customer_records_hash) as string) as records_hash
    from followed
    group by record_set, period_type, period_start
)

select * from final
