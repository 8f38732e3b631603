{# The stage of the journey in which a customer is at `now_at`, the first rule that fits, from what is
   known of the customer then. The table of rules is in dim_customers' description; the days for which
   each lasts are here alone. #}
{% macro stage_days() -%}
    {{ return({
        'support': 14, 'purchase': 7, 'order': 30, 'use': 14, 'consideration': 30, 'loyalty': 90,
    }) }}
{%- endmacro %}

{% macro customer_stage() -%}
    {%- set days = stage_days() -%}
    case
        when
            open_case_count > 0
            or last_support_at >= now_at - interval '{{ days.support }} days'
            then 'support'
        when
            last_purchase_step_at >= now_at - interval '{{ days.purchase }} days'
            and last_purchase_step_at
            > coalesce(last_order_at, timestamp '1900-01-01 00:00:00') + interval '1 hours'
            then 'purchase'
        when
            last_order_at >= now_at - interval '{{ days.order }} days'
            or last_use_at >= now_at - interval '{{ days.use }} days'
            then 'use'
        when last_consideration_at >= now_at - interval '{{ days.consideration }} days'
            then 'consideration'
        when
            order_count >= 2
            or last_loyalty_at >= now_at - interval '{{ days.loyalty }} days'
            then 'loyalty'
        when last_touchpoint_at is not null
            then 'awareness'
    end
{%- endmacro %}
