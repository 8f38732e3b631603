{{ rebuilt_by('file_path', 'int_raw_files_changed') }}
-- depends_on: {{ ref('int_raw_files_changed') }}

with

landed as (

    select
        {{ file_of_row() }} as file_path,
        split_part({{ file_of_row() }}, '/dt=', 1) as table_path,
        {{ source_of_file(file_of_row()) }} as source,
        {{ batch_of_file(file_of_row()) }} as batch_id
    from {{ source('landing', 'rows') }}
    {%- if is_incremental() %}
    where {{ file_of_row() }} in ({{ text_literals(
        ref('int_raw_files_changed'), 'file_path', "reason <> 'removed'"
    ) }})
    {%- endif %}

),

final as (

    select
        file_path,
        split_part(table_path, '/', -2) as vendor,
        split_part(table_path, '/', -1) as table_name,
        source,
        batch_id,
        count(*) as row_count
    from landed
    group by file_path, table_path, source, batch_id

)

select * from final
