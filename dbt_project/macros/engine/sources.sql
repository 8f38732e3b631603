{# Where a source's rows are. DuckDB's adapter reads the files that the source's `external_location`
   names; Spark reads the same folders, and finds the partitions in them by itself. A unit test's
   fixture stays what it is. #}
{% macro source(source_name, table_name) -%}
    {%- set relation = builtins.source(source_name, table_name) -%}
    {%- if target.type == 'spark' and execute and not relation.is_cte -%}
        {%- set node = graph.sources.values()
            | selectattr('source_name', 'equalto', source_name)
            | selectattr('name', 'equalto', table_name) | first -%}
        {%- set location = node.config.meta['external_location'] | replace('{name}', table_name) -%}
        {%- set files = modules.re.search("'([^']+)'", location).group(1) -%}
        {%- set folder = modules.re.sub("(/dt=\*)?/\*[.]parquet$", '', files) -%}
        {{ return(api.Relation.create(
            schema='parquet',
            identifier=files if '*' in folder else folder,
            quote_policy={'identifier': true},
        )) }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}
