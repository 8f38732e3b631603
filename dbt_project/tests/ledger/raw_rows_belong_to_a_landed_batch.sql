{# The manifest row is the commit point of a landing: rows without one were never accepted. #}
select
    raw_rows.vendor,
    raw_rows.table_name,
    raw_rows.batch_id
from {{ ref('int_raw_rows_counted') }} as raw_rows
left join {{ source('landing', 'manifest') }} as manifest
    on
        raw_rows.batch_id = manifest.batch_id
        and raw_rows.vendor = manifest.vendor
        and raw_rows.table_name = manifest.table_name
        and manifest.status = 'loaded'
where manifest.batch_id is null
