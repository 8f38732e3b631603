{# A number of metric_settings, for a select list or a condition. #}
{% macro metric_setting(setting_id) -%}
    (
        select max(setting_value)
        from {{ ref('metric_settings') }}
        where setting_id = '{{ setting_id }}'
    )
{%- endmacro %}
