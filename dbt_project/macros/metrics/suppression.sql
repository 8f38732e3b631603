{# Whether a withheld figure of a relation (a total and its parts) can be computed from the others, as
   an aggregate over the relation's members: exactly one unknown, be it a part or the total, or
   several unknown parts that together are still fewer records than a published cell must have. #}
{% macro is_relation_solvable() -%}
    (
        sum(case when is_withheld then 1 else 0 end) = 1
        or (
            max(case when is_total and not is_withheld then 1 else 0 end) = 1
            and sum(case when is_withheld then n else 0 end) >= 1
            and sum(case when is_withheld then n else 0 end)
            < {{ metric_setting('min_published_n') }}
        )
    )
{%- endmacro %}
