{#- Written after the cells, like int_raw_files_committed after all: of a run that fails before, the
    next finds the same periods changed. -#}
-- depends_on: {{ ref('int_metric_cells_summed') }}
-- depends_on: {{ ref('int_metric_quantiles_estimated') }}

select
    record_set,
    period_type,
    period_start,
    record_count,
    records_hash
from {{ ref('int_metric_periods_hashed') }}
