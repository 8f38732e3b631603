{# Loader tables that keep every version of a record (history mode) or mark it as gone. #}

{# The current version of every record: the one that the loader calls active, whatever its dates
   say; without history mode, the newest by `updated_at`. #}
{% macro active_rows(relation, key, updated_at) -%}
    {{ current_rows(
        relation,
        key,
        "case when lower(_fivetran_active) = 'true' then '9999-12-31' else " ~ updated_at ~ " end"
    ) }}
{%- endmacro %}

{# Whether the record is deleted: says the vendor, or it was gone at the loader's last look. #}
{% macro is_deleted_or_gone() -%}
    (
        coalesce({{ text_to_boolean('is_deleted') }}, false)
        or coalesce({{ text_to_boolean('_fivetran_deleted') }}, false)
        or not coalesce({{ text_to_boolean('_fivetran_active') }}, true)
    )
{%- endmacro %}
