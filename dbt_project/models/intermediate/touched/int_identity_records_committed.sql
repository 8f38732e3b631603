{#- Like int_raw_files_committed written last: until a run is complete, whatever has changed since
    the last complete one counts as changed. -#}
-- depends_on: {{ ref('fct_sessions') }}
-- depends_on: {{ ref('fct_touchpoints') }}

select
    identity_record_key,
    identifier_key,
    customer_id
from {{ ref('int_identity_records_resolved') }}
