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

{# The members of relations, and whether their cells are among those that `withheld` lists. #}
{% macro members_marked(members, withheld) -%}
    select
        members.relation_key,
        members.cell_key,
        members.is_total,
        members.n,
        withheld.cell_key is not null as is_withheld
    from {{ members }} as members
    left join {{ withheld }} as withheld on members.cell_key = withheld.cell_key
{%- endmacro %}
