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
        path as file_path,
        cast(length as bigint) as size_bytes
    from binaryfile.`{{ env_var("CXW_RAW") }}/*/*/dt=*/*.parquet`
{%- endmacro %}
