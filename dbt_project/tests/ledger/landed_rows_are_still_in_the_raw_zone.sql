{{ config(severity='warn') }}
{# Rows deleted from the raw zone leave every table. That may be meant, but never goes unsaid. #}
select
    vendor,
    table_name,
    batch_id,
    row_count
from {{ ref('mart_row_ledger') }}
where fate = 'removed'
