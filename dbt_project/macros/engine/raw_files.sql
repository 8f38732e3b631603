{# The files of the raw zone, told from their names alone: one row per Parquet file with file_path and
   size_bytes. No content is read. #}
{% macro raw_files() -%}
    {{ return(adapter.dispatch('raw_files')()) }}
{%- endmacro %}

{% macro duckdb__raw_files() -%}
    select
        filename as file_path,
        cast(size as bigint) as size_bytes
    from read_blob('{{ env_var("CXW_RAW") }}/*/*/dt=*/*.parquet')
{%- endmacro %}

{% macro spark__raw_files() -%}
    select
        {{ local_path('path') }} as file_path,
        cast(length as bigint) as size_bytes
    from binaryfile.`{{ env_var("CXW_RAW") }}/*/*/dt=*/*.parquet`
{%- endmacro %}

{# The file that a row of the source `landing.rows` lies in. #}
{% macro file_of_row() -%}
    {{ return(adapter.dispatch('file_of_row')()) }}
{%- endmacro %}

{% macro duckdb__file_of_row() -%}
    filename
{%- endmacro %}

{% macro spark__file_of_row() -%}
    {{ local_path('_metadata.file_path') }}
{%- endmacro %}

{# Spark names files by URI; a file of a mounted folder is known by its path. #}
{% macro local_path(uri) -%}
    regexp_replace({{ uri }}, '^file:/+', '/')
{%- endmacro %}

{# What landing writes of erased persons who came back; none where the raw zone has no such folder. #}
{% macro returned_files() -%}
    {{ return(adapter.dispatch('returned_files')()) }}
{%- endmacro %}

{% macro duckdb__returned_files() -%}
    {%- set files = env_var('CXW_RAW') ~ '/_returned/*.parquet' -%}
    {%- if run_query("select file from glob('" ~ files ~ "') limit 1") | length -%}
        {{ return("read_parquet('" ~ files ~ "', union_by_name = true)") }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__returned_files() -%}
    {{ return('parquet.`' ~ env_var('CXW_RAW') ~ '/_returned`') }}
{%- endmacro %}
