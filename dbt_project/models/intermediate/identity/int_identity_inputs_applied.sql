{#- Written last: until identity is resolved, whatever has changed since it last was counts as
    changed. -#}
{{ rebuilt_by('identity_record_key', 'int_touched_identity_inputs') }}
-- depends_on: {{ ref('int_touched_identity_inputs') }}
-- depends_on: {{ ref('int_identity_groups_skipped') }}
-- depends_on: {{ ref('int_identity_records_resolved') }}
-- depends_on: {{ ref('int_customer_ids_retired') }}

with

{% if is_incremental() -%}
inputs as (
    select * from {{ ref('int_touched_identity_inputs') }}
    where is_present
),
{%- else -%}
inputs as (
    {{ identity_inputs() }}
),
{%- endif %}

final as (
    select
        identity_record_key,
        source,
        record_kind,
        is_record,
        {{ identifier_types() | join(', ') }},
        identifier_count,
        first_seen_at,
        last_seen_at,
        record_count,
        record_hash
    from inputs
)

select * from final
