{# Deliveries of exported day tables: one row per source, table and batch, saying whether the table is
   an intraday one and whether the delivery is superseded, by a newer delivery of the same table or
   by a more final table of the same day. `relation` has source, export_table, batch_id, loaded_at
   and delivered_at; `prefix` is how the vendor's tables begin. #}
{% macro export_deliveries(relation, prefix) -%}
    select
        source,
        export_table,
        batch_id,
        table_rank = 1 as is_intraday,
        delivery_rank > 1
        or (
            table_day is not null
            and table_rank < max(table_rank) over (partition by source, table_day)
        ) as is_superseded
    from (
        select
            source,
            export_table,
            batch_id,
            {{ export_table_day('export_table', prefix) }} as table_day,
            case regexp_extract(export_table, '^{{ prefix }}(intraday_|fresh_)', 1)
                when 'intraday_' then 1
                when 'fresh_' then 2
                else 3
            end as table_rank,
            row_number() over (
                partition by source, export_table
                order by max(loaded_at) desc, max(delivered_at) desc, batch_id desc
            ) as delivery_rank
        from {{ relation }}
        group by source, export_table, batch_id
    ) as ranked
{%- endmacro %}

{# The day of an exported table, whichever of its kinds it is: 20240111 for events_20240111 and
   events_intraday_20240111; a table without a day stands for itself. #}
{% macro export_table_day(export_table, prefix) -%}
    coalesce(
        nullif(regexp_extract({{ export_table }}, '^{{ prefix }}(intraday_|fresh_)?([0-9]{8})', 2), ''),
        {{ export_table }}
    )
{%- endmacro %}
