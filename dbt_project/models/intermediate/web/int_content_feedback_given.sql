{#- Parameters are read from the raw zone, and of an increment only the touched days' are. -#}
{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

with

params as (

    select * from {{ ref('int_web_event_params_unioned') }}
    where {{ on_touched_days }}

),

final as (

    select
        web_event_key,
        source,
        partition_date,
        case
            when lower(value_text) in ('yes', 'true', '1', 'kyllä') then 1
            when lower(value_text) in ('no', 'false', '0', 'ei') then 0
        end as is_useful
    from params
    where event_name = 'content_feedback' and param_key = 'useful'

)

select * from final
