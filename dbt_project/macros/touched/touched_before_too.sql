{# For the end of a model that lists what this run touches: what it listed before, unless the run before
   this one came to its end. Such a run may have built some of what follows and not the rest, of which
   what it is told by says nothing any more: a file that it read may be gone again, a visit that it
   removed cannot be found where it was. Rows agree in all `columns` or stand side by side; where a key
   may be listed once only, `unless_listed` names it.

   On Spark such a run is followed by one that builds everything. #}
{% macro touched_before_too(columns, unless_listed=none) -%}
    {%- set before = relation_built_before(model.name) if execute else none -%}
    {%- if before %}
    {{ "union all" if unless_listed else "union" }}
    select {{ columns | join(', ') }}
    from {{ before }}
    where
        not (
            select coalesce(bool_and(follows_whole_run), false)
            from {{ relation_built_before('int_raw_files_listed') }}
        )
        {%- if unless_listed %}
        and {{ unless_listed }} not in (select {{ unless_listed }} from final)
        {%- endif %}
    {%- endif -%}
{%- endmacro %}
