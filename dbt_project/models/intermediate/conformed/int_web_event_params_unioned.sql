{{ config(materialized='view') }}

{% set columns = {
    'web_event_key': 'string',
    'source': 'string',
    'event_date': 'date',
    'partition_date': 'date',
    'event_name': 'string',
    'platform': 'string',
    'param_key': 'string',
    'value_type': 'string',
    'value_text': 'string',
    'value_length': 'bigint',
    'has_personal_data': 'boolean',
} %}
with

params as (

    {{ conformed_union('web_event_params', columns) }}

),

declared as (

    select data_name from {{ source('plan', 'personal_data') }}
    where data_kind = 'param'

),

-- noqa: disable=LT02
final as (

    select
        {%- for column in columns %}
        {%- if column == 'value_text' %}
        {{ without_declared_data('params.value_text', 'declared.data_name is not null') }}
            as value_text
        {%- else %}
        params.{{ column }}
        {%- endif %}{{ "," if not loop.last }}
        {%- endfor %}
    from params
    left join declared
        on params.param_key = declared.data_name

)
-- noqa: enable=LT02

select * from final
