{{ audit_days_kept('int_audit_param_values_gathered', has_every_day=false) }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

{#- Presence is counted per event, platform, day and parameter: joining every event with every
    parameter it should carry would multiply the largest table of the warehouse. Only where a
    condition decides whether a parameter is due, events are looked at one by one; they are known
    when the engine plans, so that it unfolds the parameters of no others. -#}
{% set of_conditional_events -%}
    event_name in (
        {{ text_literals(source('plan', 'params'), 'event_name', "requirement = 'conditional'") }}
    )
{%- endset %}
with

streams as (

    select * from {{ source('plan', 'streams') }}

),

required_params as (

    select * from {{ source('plan', 'params') }}
    where requirement in ('required', 'conditional')

),

gathered as (

    select * from {{ ref('int_audit_param_values_gathered') }}
    where value_type <> 'none' and is_planned_stream

),

events as (

    select
        landed.web_event_key,
        landed.source,
        landed.platform,
        landed.event_name,
        landed.partition_date,
        landed.event_date,
        landed.consent_analytics
    from {{ ref('int_web_events_landed') }} as landed
    inner join streams
        on
            landed.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'landed.event_date') }}
    where
        not landed.is_duplicate
        and not landed.is_superseded
        and {{ on_touched_days | replace('partition_date', 'landed.partition_date') }}

),

params as (

    select
        params.source,
        params.partition_date,
        params.event_date,
        params.platform,
        params.event_name,
        params.web_event_key,
        params.param_key
    from {{ ref('int_web_event_params_unioned') }} as params
    where
        {{ on_touched_days | replace('partition_date', 'params.partition_date') }}
        and params.{{ of_conditional_events }}
        and params.value_type <> 'none'

),

conditions as (

    select distinct
        web_event_key,
        param_key,
        value_text
    from {{ ref('int_web_event_params_unioned') }}
    where
        {{ on_touched_days }}
        and {{ of_conditional_events }}
        and value_type <> 'none'
        and param_key in (
            select condition_key from required_params
            where condition_key is not null
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
            and {{ plan_holds('required_params', 'events.event_date') }}
            and required_params.requirement = 'conditional'
    left join conditions
        on
            events.web_event_key = conditions.web_event_key
            and required_params.condition_key = conditions.param_key
    where
        conditions.value_text = required_params.condition_value
        or (
            required_params.condition_key = 'consent_analytics'
            and events.consent_analytics = required_params.condition_value
        )

),

-- Events are counted before they meet the parameters that they should carry.
events_counted as (

    select
        source,
        partition_date,
        event_date,
        platform,
        event_name,
        count(*) as due_count
    from events
    group by source, partition_date, event_date, platform, event_name

),

events_due as (

    select
        events_counted.source,
        events_counted.partition_date,
        events_counted.event_date,
        events_counted.platform,
        events_counted.event_name,
        required_params.param_key,
        events_counted.due_count
    from events_counted
    inner join required_params
        on
            events_counted.event_name = required_params.event_name
            and events_counted.platform = required_params.platform
            and {{ plan_holds('required_params', 'events_counted.event_date') }}
            and required_params.requirement = 'required'
    union all
    select
        events.source,
        events.partition_date,
        events.event_date,
        events.platform,
        events.event_name,
        conditions_met.param_key,
        count(*) as due_count
    from conditions_met
    inner join events on conditions_met.web_event_key = events.web_event_key
    group by
        events.source,
        events.partition_date,
        events.event_date,
        events.platform,
        events.event_name,
        conditions_met.param_key

),

params_present as (

    select
        gathered.source,
        gathered.partition_date,
        gathered.event_date,
        gathered.platform,
        gathered.event_name,
        gathered.param_key,
        sum(gathered.row_count) as present_count
    from gathered
    inner join required_params
        on
            gathered.event_name = required_params.event_name
            and gathered.platform = required_params.platform
            and gathered.param_key = required_params.param_key
            and {{ plan_holds('required_params', 'gathered.event_date') }}
            and required_params.requirement = 'required'
    group by
        gathered.source,
        gathered.partition_date,
        gathered.event_date,
        gathered.platform,
        gathered.event_name,
        gathered.param_key
    union all
    select
        params.source,
        params.partition_date,
        params.event_date,
        params.platform,
        params.event_name,
        params.param_key,
        count(distinct params.web_event_key) as present_count
    from conditions_met
    inner join params
        on
            conditions_met.web_event_key = params.web_event_key
            and conditions_met.param_key = params.param_key
    group by
        params.source,
        params.partition_date,
        params.event_date,
        params.platform,
        params.event_name,
        params.param_key

),

final as (

    select
        events_due.source,
        events_due.partition_date,
        events_due.event_date,
        events_due.platform,
        events_due.event_name,
        events_due.param_key,
        events_due.due_count,
        -- Of an event that names a parameter twice both count: no more can be present than is due.
        least(coalesce(cast(params_present.present_count as bigint), 0), events_due.due_count)
            as present_count
    from events_due
    left join params_present
        on
            events_due.source = params_present.source
            and events_due.partition_date = params_present.partition_date
            and events_due.event_date = params_present.event_date
            and events_due.platform = params_present.platform
            and events_due.event_name = params_present.event_name
            and events_due.param_key = params_present.param_key

)

select * from final
