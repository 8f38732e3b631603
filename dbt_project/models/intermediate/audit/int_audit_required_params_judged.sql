{#- Presence is counted per event, platform, day and parameter: joining every event with every
    parameter it should carry would multiply the largest table of the warehouse. -#}
with

streams as (

    select * from {{ source('plan', 'streams') }}

),

required_params as (

    select * from {{ source('plan', 'params') }}
    where requirement in ('required', 'conditional')

),

events as (

    select
        landed.web_event_key,
        landed.source,
        landed.platform,
        landed.event_name,
        landed.event_date,
        landed.consent_analytics
    from {{ ref('int_web_events_landed') }} as landed
    inner join streams
        on landed.stream_id = streams.stream_id
    where not landed.is_duplicate and not landed.is_superseded

),

params as (

    select
        web_event_key,
        param_key,
        value_text
    from {{ ref('int_web_event_params_unioned') }}
    where
        value_type <> 'none'
        and (
            param_key in (select param_key from required_params)
            or param_key in (
                select condition_key from required_params
                where condition_key is not null
            )
        )

),

-- Events at which a conditional parameter is due.
conditions_met as (

    select
        events.web_event_key,
        required_params.param_key
    from events
    inner join required_params
        on
            events.event_name = required_params.event_name
            and events.platform = required_params.platform
            and required_params.requirement = 'conditional'
    left join params
        on
            events.web_event_key = params.web_event_key
            and required_params.condition_key = params.param_key
    where
        params.value_text = required_params.condition_value
        or (
            required_params.condition_key = 'consent_analytics'
            and events.consent_analytics = required_params.condition_value
        )

),

events_due as (

    select
        events.source,
        events.event_date,
        events.platform,
        events.event_name,
        required_params.param_key,
        count(*) as due_count
    from events
    inner join required_params
        on
            events.event_name = required_params.event_name
            and events.platform = required_params.platform
    left join conditions_met
        on
            events.web_event_key = conditions_met.web_event_key
            and required_params.param_key = conditions_met.param_key
    where
        required_params.requirement = 'required'
        or conditions_met.web_event_key is not null
    group by
        events.source,
        events.event_date,
        events.platform,
        events.event_name,
        required_params.param_key

),

params_present as (

    select
        events.source,
        events.event_date,
        events.platform,
        events.event_name,
        params.param_key,
        count(distinct events.web_event_key) as present_count
    from events
    inner join params
        on events.web_event_key = params.web_event_key
    inner join required_params
        on
            events.event_name = required_params.event_name
            and events.platform = required_params.platform
            and params.param_key = required_params.param_key
    left join conditions_met
        on
            events.web_event_key = conditions_met.web_event_key
            and params.param_key = conditions_met.param_key
    where
        required_params.requirement = 'required'
        or conditions_met.web_event_key is not null
    group by
        events.source,
        events.event_date,
        events.platform,
        events.event_name,
        params.param_key

),

counted as (

    select
        events_due.source,
        events_due.event_date,
        events_due.platform,
        events_due.event_name,
        events_due.param_key,
        events_due.due_count,
        coalesce(params_present.present_count, 0) as present_count
    from events_due
    left join params_present
        on
            events_due.source = params_present.source
            and events_due.event_date = params_present.event_date
            and events_due.platform = params_present.platform
            and events_due.event_name = params_present.event_name
            and events_due.param_key = params_present.param_key

),

judged as (

    select
        source,
        event_name || ' ' || cast(event_date as {{ type_string() }}) as sample_key,
        cast(null as timestamp) as occurred_at,
        event_date,
        platform,
        event_name as subject,
        param_key as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        present_count as row_count,
        false as sch04
    from counted

    union all

    select
        source,
        event_name || ' ' || cast(event_date as {{ type_string() }}) as sample_key,
        cast(null as timestamp) as occurred_at,
        event_date,
        platform,
        event_name as subject,
        param_key as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        due_count - present_count as row_count,
        true as sch04
    from counted
    where due_count > present_count

)

select * from judged
