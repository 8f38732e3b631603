{# Which records a metric counts (int_metric_records). A metric has records of its own, but that the
   goals of the measurement plan are all shares of the same visits: these are kept once, and of a
   goal only the visits that met it. #}

{# Name of the set of all visits. #}
{% macro visits_record_set() -%}
    {{ return('visits') }}
{%- endmacro %}

{# Name of the set of visits that met a goal. #}
{% macro goal_record_set(goal_event) -%}
    'goal:' || {{ goal_event }}
{%- endmacro %}

{# Name of the set whose records a row of the metric catalogue counts: what its share is a share of. #}
{% macro counted_record_set(metric) -%}
    case
        when {{ metric }}.goal_event is null then {{ metric }}.metric_id
        else '{{ visits_record_set() }}'
    end
{%- endmacro %}

{# Name of the set that holds a metric's own values: of a goal, the visits that met it. #}
{% macro own_record_set(metric) -%}
    case
        when {{ metric }}.goal_event is null then {{ metric }}.metric_id
        else {{ goal_record_set(metric ~ '.goal_event') }}
    end
{%- endmacro %}

{# Name of the sums over all visits that a goal is a share of: of the visits, or of their visitors. #}
{% macro visit_sum(metric) -%}
    case when {{ metric }}.customer_value is null then 'visits' else 'visitors' end
{%- endmacro %}

{# A sum of a goal, with `visits` and `met` the sums over all visits and over those that met it: what
   holds a value x comes from the goal, numbers of records, weights and bases from the visits. #}
{% macro value_of_goal(name) -%}
    {%- if 'x' in name -%} coalesce(met.{{ name }}, 0) {%- else -%} visits.{{ name }} {%- endif -%}
{%- endmacro %}
