{{ config(materialized='view') }}

{% set columns = {
    'web_event_key': 'string',
    'source': 'string',
    'event_date': 'date',
    'partition_date': 'date',
    'stream_id': 'string',
    'platform': 'string',
    'occurred_at': 'timestamp',
    'user_id': 'string',
    'device_category': 'string',
    'browser': 'string',
    'app_version': 'string',
    'property_key': 'string',
    'value_text': 'string',
    'value_length': 'bigint',
    'has_personal_data': 'boolean',
    'event_count': 'bigint',
} %}
with

properties as (

    {{ conformed_union('web_user_properties', columns) }}

),

declared as (

    select data_name from {{ source('plan', 'personal_data') }}
    where data_kind = 'user_property'

),

-- noqa: disable=LT02
final as (

    select
        {%- for column in columns %}
        {%- if column == 'value_text' %}
        {{ without_declared_data('properties.value_text', 'declared.data_name is not null') }}
            as value_text
        {%- else %}
        properties.{{ column }}
        {%- endif %}{{ "," if not loop.last }}
        {%- endfor %}
    from properties
    left join declared
        on properties.property_key = declared.data_name

)
-- noqa: enable=LT02

select * from final
