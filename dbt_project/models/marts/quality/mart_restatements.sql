{#- History is what the published version says plus what differs from it now: a run that fails or is
    held back adds nothing, and one without news adds nothing either. -#}
{%- set cell = [
    'metric_id', 'period_type', 'period_start', 'journey_stage', 'channel', 'touchpoint_id',
    'persona_id',
] -%}
with

published as (

    select
        *,
        max(case when period_type = 'day' then period_start end) over () as last_day
    from {{ source('published', 'published_journey_metrics') }}

),

-- A period that was not over goes on; that is no restatement.
over_when_published as (

    select * from published
    where
        case period_type
            when 'day' then cast(period_start + interval '1 day' as date)
            when 'week' then cast(period_start + interval '7 days' as date)
            when 'month' then cast(period_start + interval '1 month' as date)
            else cast(period_start + interval '3 months' as date)
        end <= last_day
        and not is_suppressed

),

metrics as (

    select * from {{ ref('mart_journey_metrics') }}

),

manifest as (

    select * from {{ source('landing', 'manifest') }}

),

newest as (

    select max(loaded_at) as restated_at from manifest

),

compared as (

    select
        {%- for column in cell %}
        old.{{ column }},
        {%- endfor %}
        old.published_version as restated_version,
        newest.restated_at,
        case
            when metrics.metric_id is null then 'removed'
            when metrics.is_suppressed then 'withheld'
            when metrics.metric_version <> old.metric_version then 'redefined'
            else 'changed'
        end as kind,
        old.value as old_value,
        metrics.value as new_value,
        old.n as old_n,
        metrics.n as new_n
    from over_when_published as old
    cross join newest
    left join metrics
        on
            old.metric_id = metrics.metric_id
            and old.period_type = metrics.period_type
            and old.period_start = metrics.period_start
            and old.journey_stage = metrics.journey_stage
            and old.channel = metrics.channel
            and old.touchpoint_id = metrics.touchpoint_id
            and old.persona_id = metrics.persona_id
    where
        metrics.metric_id is null
        or metrics.is_suppressed
        or metrics.value is distinct from old.value
        or metrics.n is distinct from old.n

),

united as (

    select
        {{ cell | join(',\n        ') }},
        restated_version,
        restated_at,
        kind,
        old_value,
        new_value,
        old_n,
        new_n
    from {{ source('published', 'published_restatements') }}

    union all

    select
        {{ cell | join(',\n        ') }},
        restated_version,
        restated_at,
        kind,
        old_value,
        new_value,
        old_n,
        new_n
    from compared

),

-- What a cell once was tells what it is now: of a cell that is withheld nothing is told.
final as (

    select
        {%- for column in cell %}
        united.{{ column }},
        {%- endfor %}
        united.restated_version,
        united.restated_at,
        united.kind,
        case when not metrics.is_suppressed then united.old_value end as old_value,
        case when not metrics.is_suppressed then united.new_value end as new_value,
        cast(case when not metrics.is_suppressed then united.old_n end as bigint) as old_n,
        cast(case when not metrics.is_suppressed then united.new_n end as bigint) as new_n
    from united
    left join metrics
        on
            united.metric_id = metrics.metric_id
            and united.period_type = metrics.period_type
            and united.period_start = metrics.period_start
            and united.journey_stage = metrics.journey_stage
            and united.channel = metrics.channel
            and united.touchpoint_id = metrics.touchpoint_id
            and united.persona_id = metrics.persona_id

)

select * from final
