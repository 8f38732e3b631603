{#- Written last: until identity is resolved, whatever has changed since it last was counts as
    changed. -#}
{{ rebuilt_by(
    'identity_record_key',
    'int_touched_identity_inputs',
    touched_key='case when is_changed then identity_record_key end',
    columns=['identity_record_key'],
) }}
-- depends_on: {{ ref('int_touched_identity_inputs') }}
-- depends_on: {{ ref('int_identity_groups_skipped') }}
-- depends_on: {{ ref('int_identity_records_resolved') }}
-- depends_on: {{ ref('int_customer_ids_retired') }}

with

{% if is_incremental() -%}
-- the others were only read again
inputs as (
    select * from {{ ref('int_touched_identity_inputs') }}
    where is_present and is_changed
),
{%- else -%}
inputs as (
    {{ identity_inputs() }}
),
{%- endif %}

final as (
    select
        {{ identity_input_columns() | join(', ') }}
    from inputs
)

select * from final
