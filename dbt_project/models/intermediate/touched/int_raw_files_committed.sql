{#- The last model of a run: where anything before it fails it keeps its old rows, and the next run
    finds the same files untouched by the warehouse, and keeps what this one touched
    (touched_before_too). Everything that is computed by touched keys must come before it. -#}
-- depends_on: {{ ref('int_identity_inputs_applied') }}
-- depends_on: {{ ref('int_identifiers_moved') }}
-- depends_on: {{ ref('int_identity_records_committed') }}
-- depends_on: {{ ref('int_customer_ways_committed') }}
-- depends_on: {{ ref('int_metric_periods_committed') }}
-- depends_on: {{ ref('dim_customers') }}
-- depends_on: {{ ref('fct_touchpoints') }}
-- depends_on: {{ ref('int_journey_steps_reached') }}
-- depends_on: {{ ref('mart_journey_metrics') }}
-- depends_on: {{ ref('mart_metric_coverage') }}
-- depends_on: {{ ref('mart_row_ledger') }}
-- depends_on: {{ ref('mart_late_data') }}
-- depends_on: {{ ref('int_audit_metrics') }}
-- depends_on: {{ ref('int_audit_violations') }}
-- depends_on: {{ ref('int_audit_evidence_counted') }}

select
    vendor,
    table_name,
    partition_date,
    batch_id,
    file_path,
    size_bytes,
    run_id
from {{ ref('int_raw_files_listed') }}
