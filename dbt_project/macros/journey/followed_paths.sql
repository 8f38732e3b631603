{# For how many days encounters are followed before and after what a path is anchored at. #}
{% macro path_days() -%}
    {{ return({'before': 30, 'after': 7}) }}
{%- endmacro %}

{# What follows where nothing more was met: the end of the way, or not known yet as the days after
   are not over. #}
{% macro end_of_path(anchored_date, newest_date) -%}
    case
        when {{ anchored_date }} > {{ newest_date }} - interval '{{ path_days().after }} days'
            then 'open'
        else 'end'
    end
{%- endmacro %}
