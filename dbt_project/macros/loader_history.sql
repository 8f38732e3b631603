{# Whether the current row of a record says that it is deleted: by the vendor's own flag, because it
   was gone at the loader's last look, or because the loader's history has no active version. #}
{% macro is_deleted_or_gone() -%}
    (
        coalesce({{ text_to_boolean('is_deleted') }}, false)
        or coalesce({{ text_to_boolean('_fivetran_deleted') }}, false)
        or not coalesce({{ text_to_boolean('_fivetran_active') }}, true)
    )
{%- endmacro %}
