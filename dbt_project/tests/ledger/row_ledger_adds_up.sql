{# Rows in are rows out, de-duplicated, superseded and quarantined, per layer, table and batch. #}
select
    layer,
    vendor,
    table_name,
    source,
    batch_id,
    sum(case when fate = 'in' then row_count else 0 end) as rows_in,
    sum(case when fate <> 'in' then row_count else 0 end) as rows_accounted_for
from {{ ref('mart_row_ledger') }}
group by layer, vendor, table_name, source, batch_id
having sum(case when fate = 'in' then row_count else -row_count end) <> 0
