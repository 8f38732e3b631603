{# Where a source's rows are. DuckDB's adapter reads the files that the source's `external_location`
   names; Spark reads the same folders, and finds the partitions in them by itself. A unit test's
   fixture stays what it is. Locations name the home by `$CXW_HOME` and `$CXW_RAW`, which are looked
   up only here: so a parsed project belongs to no home. #}
{% macro source(source_name, table_name) -%}
    {%- set relation = builtins.source(source_name, table_name) -%}
    {%- if not execute or relation.is_cte -%}
        {{ return(relation) }}
    {%- endif -%}
    {#- by its id: dbt makes a dictionary of every source that a search walks over -#}
    {%- set node = graph.sources['source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ table_name] -%}
    {%- if target.type == 'spark' -%}
        {%- set location = in_this_home(node.config.meta['external_location'])
            | replace('{name}', table_name) -%}
        {%- set files = modules.re.search("'([^']+)'", location).group(1) -%}
        {%- set folder = modules.re.sub("(/dt=\*)?/\*[.]parquet$", '', files) -%}
        {%- set relation = api.Relation.create(
            schema='parquet',
            identifier=files if '*' in folder else folder,
            quote_policy={'identifier': true},
        ) -%}
    {%- elif relation.external -%}
        {%- set relation = relation.incorporate(external=in_this_home(relation.external)) -%}
    {%- endif -%}
    {%- set is_vendors = node.config.meta.get('keeps_files', false) -%}
    {{ return(
        delivered_rows(relation, is_vendors) if is_vendors or node.config.meta.get('row_content')
        else relation
    ) }}
{%- endmacro %}

{% macro in_this_home(location) -%}
    {%- set found = namespace(location=location) -%}
    {%- for name in ['CXW_HOME', 'CXW_RAW'] if '$' ~ name in location -%}
        {%- set found.location = found.location | replace('$' ~ name, env_var(name)) -%}
    {%- endfor -%}
    {{ return(found.location) }}
{%- endmacro %}

{# Rows of a table of which landing leaves open what the files tell: the row's place where it has
   written no line (`row_content`), and all that it adds to rows where the file may be the vendor's own
   (`keeps_files` of its spec). #}
{% macro delivered_rows(relation, is_vendors) -%}
    {{ return(adapter.dispatch('delivered_rows')(relation, is_vendors)) }}
{%- endmacro %}

{% macro duckdb__delivered_rows(relation, is_vendors) -%}
    {%- set told = told_by_file('filename', 'file_row_number', is_vendors) -%}
    {{ return(
        '(select * replace (' ~ told.items() | map('join', ' as ') | join(', ') ~ ') from '
        ~ relation ~ ')'
    ) }}
{%- endmacro %}

{% macro spark__delivered_rows(relation, is_vendors) -%}
    {%- set told = told_by_file('_metadata.file_path', '_metadata.row_index', is_vendors) -%}
    {{ return(
        '(select * except (' ~ told.values() | join(', ') ~ '), '
        ~ told.items() | map('join', ' as ') | join(', ') ~ ' from ' ~ relation ~ ')'
    ) }}
{%- endmacro %}

{# What tells columns of raw rows, by the file's name and the row's number in it from 0: each
   expression with its column. #}
{% macro told_by_file(file, number, is_vendors) -%}
    {%- set told = {'coalesce(_row, ' ~ number ~ ' + 1)': '_row'} -%}
    {%- if is_vendors -%}
        {%- do told.update({batch_of_file(file): '_batch_id', source_of_file(file): '_source'}) -%}
    {%- endif -%}
    {{ return(told) }}
{%- endmacro %}

{# A raw file is named after its batch, `<source>-<16 hexadecimal digits>`, and numbered where a batch
   wrote several files of one day. #}
{% macro batch_of_file(file) -%}
    regexp_extract({{ file }}, '([^/]+-[0-9a-f]{16})(-[0-9]+)?[.]parquet$', 1)
{%- endmacro %}

{% macro source_of_file(file) -%}
    regexp_extract({{ file }}, '([^/]+)-[0-9a-f]{16}(-[0-9]+)?[.]parquet$', 1)
{%- endmacro %}

{# The columns that make up the content of a raw table's rows (`row_content` of the source): what its
   rows are told apart by where landing left that open. None where landing has written `_row_id`, and
   for a unit test's fixture. Both engines name the table by its folder. #}
{% macro row_content(relation) -%}
    {%- if execute -%}
        {%- set folder = modules.re.search(
            "/(\\w+)/(\\w+)(/dt=[*]/[*][.]parquet)?['`]", relation | string
        ) -%}
        {%- if folder -%}
            {%- set node = graph.sources.get(
                'source.' ~ project_name ~ '.' ~ folder.group(1) ~ '.' ~ folder.group(2), none
            ) -%}
            {%- if node and node.config.meta.get('row_content') -%}
                {{ return(node.config.meta['row_content'] + ['_extra']) }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# All columns of a relation but some. #}
{% macro all_columns_but(columns) -%}
    {{ return(adapter.dispatch('all_columns_but')(columns)) }}
{%- endmacro %}

{% macro duckdb__all_columns_but(columns) -%}
    {{ return('* exclude (' ~ columns | join(', ') ~ ')') }}
{%- endmacro %}

{% macro spark__all_columns_but(columns) -%}
    {{ return('* except (' ~ columns | join(', ') ~ ')') }}
{%- endmacro %}
