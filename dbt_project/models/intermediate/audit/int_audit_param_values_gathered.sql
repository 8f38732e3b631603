-- depends_on: {{ ref('int_touched_web_days') }}
{#- Unfolding all parameters of all events is the dearest step of the audit: it is done once, for
    what is asked of values and for what is asked of presence. Days that are done need not be read
    again: what they came to is kept, and all their values would be most of history. -#}
{%- set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days')
    if audit_days_are_kept(
        ['int_audit_param_values_counted', 'int_audit_required_params_counted']
    ) else 'true' %}
with

param_values as (

    select * from {{ ref('int_web_event_param_values_unioned') }}
    where {{ on_touched_days }}

),

streams as (

    select * from {{ source('plan', 'streams') }}

),

final as (

    select
        param_values.web_event_key as sample_key,
        param_values.source,
        param_values.partition_date,
        param_values.event_date,
        param_values.platform,
        param_values.event_name,
        param_values.param_key,
        param_values.value_type,
        param_values.value_text,
        param_values.value_length,
        param_values.has_personal_data,
        streams.stream_id is not null as is_planned_stream,
        param_values.param_count as row_count
    from param_values
    left join streams
        on
            param_values.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'param_values.event_date') }}

)

select * from final
