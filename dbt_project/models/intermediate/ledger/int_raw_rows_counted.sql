with

landed as (

    select
        split_part(filename, '/dt=', 1) as table_path,
        _source as source,
        _batch_id as batch_id
    from {{ source('landing', 'rows') }}

),

final as (

    select
        split_part(table_path, '/', -2) as vendor,
        split_part(table_path, '/', -1) as table_name,
        source,
        batch_id,
        count(*) as row_count
    from landed
    group by table_path, source, batch_id

)

select * from final
