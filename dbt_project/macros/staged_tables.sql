{# Raw tables whose current rows the staging models take (macro current_rows), with the key and the
   time of update that they take them by: [{vendor, table, key, updated_at}, …]. Read from the models
   themselves, so that the ledger counts by the rule that staging really applies. Empty while dbt
   parses, because the graph is not known then. #}
{% macro staged_tables() -%}
    {%- set tables = {} -%}
    {%- if execute -%}
        {%- set call = "current_rows\(\s*source\(\s*'(\w+)'\s*,\s*'(\w+)'\s*\)\s*,\s*"
            ~ "\[([^\]]+)\]\s*(?:,\s*'([^']*)'\s*)?\)" -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- for vendor, table, key, updated_at in modules.re.findall(call, node.raw_code) -%}
                {%- do tables.update({
                    vendor ~ '.' ~ table: {
                        'vendor': vendor,
                        'table': table,
                        'key': modules.re.findall("'([^']+)'", key),
                        'updated_at': updated_at,
                    }
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(tables.values() | sort(attribute='table') | sort(attribute='vendor')) }}
{%- endmacro %}
