{{ audit_days_kept('int_audit_param_values_gathered', has_every_day=false) }}
-- depends_on: {{ ref('int_web_events_landed') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{#- What most analysts read of a rule's failures: more examples of one day add nothing. -#}
{% set most_examples = 5 %}

with

gathered as (

    select * from {{ ref('int_audit_param_values_gathered') }}

),

planned_events as (

    select * from {{ source('plan', 'events') }}

),

planned_params as (

    select * from {{ source('plan', 'params') }}

),

allowed_values as (

    select * from {{ source('plan', 'allowed_values') }}

),

-- Planned numbers that may have any value are not told apart, whatever other events make of them.
numbers_without_rule as (

    select
        event_name,
        platform,
        param_key
    from planned_params
    where length(event_name) <= 40 and length(param_key) <= 40
    group by event_name, platform, param_key
    having
        {{ asks_for_no_number() }}
        and count(usual_from) = 0
        and count(usual_to) = 0

),

values_read as (

    select
        gathered.sample_key,
        gathered.source,
        gathered.partition_date,
        gathered.event_date,
        gathered.event_name,
        gathered.platform,
        gathered.param_key,
        gathered.value_type,
        gathered.has_personal_data,
        gathered.is_planned_stream,
        gathered.row_count,
        case
            when
                numbers_without_rule.param_key is null
                or gathered.value_type in ('string', 'several')
                then gathered.value_text
            when gathered.value_text is not null then '0'
        end as value_text,
        case
            when
                numbers_without_rule.param_key is null
                or gathered.value_type in ('string', 'several')
                then gathered.value_length
            when gathered.value_length is not null then 1
        end as value_length
    from gathered
    left join numbers_without_rule
        on
            gathered.event_name = numbers_without_rule.event_name
            and gathered.platform = numbers_without_rule.platform
            and gathered.param_key = numbers_without_rule.param_key

),

-- A value is one however it was delivered, and what is masked is one.
values_counted as (

    select
        source,
        partition_date,
        event_date,
        event_name,
        platform,
        param_key,
        value_type,
        value_text,
        value_length,
        has_personal_data,
        is_planned_stream,
        min(sample_key) as sample_key,
        sum(row_count) as row_count
    from values_read
    group by
        source,
        partition_date,
        event_date,
        event_name,
        platform,
        param_key,
        value_type,
        value_text,
        value_length,
        has_personal_data,
        is_planned_stream

),

joined as (

    select
        values_counted.*,
        planned_events.event_name is not null as is_planned_event,
        planned_params.param_key is not null as is_planned_param,
        planned_params.pattern,
        planned_params.has_allowed_values,
        planned_params.min_value,
        planned_params.max_value,
        planned_params.max_length,
        planned_params.usual_from,
        planned_params.usual_to,
        coalesce(planned_params.is_dimension, false) as is_dimension,
        coalesce(planned_params.is_personal_data, false) as is_declared_personal,
        allowed_values.allowed_value,
        try_cast(values_counted.value_text as double) as value_number
    from values_counted
    left join planned_events
        on
            values_counted.event_name = planned_events.event_name
            and values_counted.platform = planned_events.platform
            and values_counted.is_planned_stream
            and {{ plan_holds('planned_events', 'values_counted.event_date') }}
    left join planned_params
        on
            values_counted.event_name = planned_params.event_name
            and values_counted.platform = planned_params.platform
            and values_counted.param_key = planned_params.param_key
            and values_counted.is_planned_stream
            and {{ plan_holds('planned_params', 'values_counted.event_date') }}
    left join allowed_values
        on
            values_counted.event_name = allowed_values.event_name
            and values_counted.param_key = allowed_values.param_key
            and values_counted.value_text = allowed_values.allowed_value
            and {{ plan_holds('allowed_values', 'values_counted.event_date') }}

),

judged {{ as_kept() }} (

    select
        source,
        partition_date,
        event_date,
        platform,
        event_name,
        param_key,
        case when value_type in ('int', 'float', 'double') then 'number' else value_type end
            as value_kind,
        sample_key,
        row_count,
        is_dimension,
        case
            when is_planned_param and value_text is not null
                then
                    (has_allowed_values and allowed_value is null)
                    or (pattern is not null and not {{ regex_matches('value_text', 'pattern') }})
                    or (min_value is not null and coalesce(value_number < min_value, true))
                    or (max_value is not null and coalesce(value_number > max_value, true))
        end as sch06,
        case
            when
                value_type in ('int', 'float', 'double') and value_number > 0
                and (usual_from is not null or usual_to is not null)
                then
                    coalesce(value_number < usual_from, false)
                    or coalesce(value_number >= usual_to, false)
        end as sch13,
        case when is_planned_event then not is_planned_param end as sch07,
        length(param_key) > 40
        or length(event_name) > 40
        -- GA4 cuts text at 100 characters (addresses, titles and referrers later): a text of just
        -- that length has lost its end.
        or coalesce(
            value_type = 'string' and value_length = 100
            and param_key not in ('page_location', 'page_referrer', 'page_title'),
            false
        )
        or coalesce(value_length > max_length, false) as sch08,
        case
            when
                value_text is not null
                -- GA4 itself writes '(not set)' into traffic fields; there it is no defect.
                and param_key not in (
                    'source', 'medium', 'campaign', 'term', 'content', 'campaign_id'
                )
                then
                    lower(trim(value_text)) in (
                        'undefined', 'null', 'nan', '[object object]', '(not set)', 'none'
                    )
                    or value_text like '%{{ '{{' }}%'
                    or lower(value_text) like '%[object object]%'
                    or (param_key = 'page_location' and value_text like '%/undefined%')
        end as sch09,
        -- Staging looks for addresses and codes everywhere; a local phone number is one only where
        -- people type, elsewhere it is a number like others.
        -- What the plan declares is expected, and masked before any model reads it.
        has_personal_data and not is_declared_personal
        or coalesce(
            param_key in ('search_term', 'error_message', 'method', 'content_id', 'link_url')
            and {{ regex_matches(
                'value_text',
                "'(^|[^0-9])([+]358|0)[ -]?(4[0-9]|50)[ -]?[0-9]{3,4}[ -]?[0-9]{3,4}($|[^0-9])'"
            ) }},
            false
        ) as pri01
    from joined

),

-- One row a verdict would leave one example a day; the rows of all values would be most of history.
numbered as (

    select
        *,
        least(
            row_number() over (
                partition by
                    source,
                    partition_date,
                    event_date,
                    platform,
                    event_name,
                    param_key,
                    value_kind,
                    sch06,
                    sch07,
                    sch08,
                    sch09,
                    sch13,
                    pri01
                order by sample_key
            ),
            {{ most_examples }}
        ) as example_number
    from judged
    where sch06 or sch07 or sch08 or sch09 or sch13 or pri01
    union all
    select
        *,
        1 as example_number
    from judged
    where not coalesce(sch06 or sch07 or sch08 or sch09 or sch13 or pri01, false)

),

final as (

    select
        source,
        partition_date,
        event_date,
        platform,
        event_name,
        param_key,
        value_kind,
        example_number,
        sch06,
        sch07,
        sch08,
        sch09,
        sch13,
        pri01,
        min(sample_key) as sample_key,
        cast(sum(row_count) as bigint) as row_count,
        cast(count(*) as bigint) as value_count,
        max(case when is_dimension then 1 else 0 end) = 1 as is_dimension
    from numbered
    group by
        source,
        partition_date,
        event_date,
        platform,
        event_name,
        param_key,
        value_kind,
        example_number,
        sch06,
        sch07,
        sch08,
        sch09,
        sch13,
        pri01

)

select * from final
