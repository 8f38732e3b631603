{%- set committed = relation_built_before('int_identity_records_committed') -%}
with

resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

{% if committed -%}
committed as (
    select * from {{ committed }}
),

changed as (
    select
        coalesce(resolved.identity_record_key, committed.identity_record_key)
            as identity_record_key
    from resolved
    full outer join committed on resolved.identity_record_key = committed.identity_record_key
    where
        resolved.customer_id is distinct from committed.customer_id
        or resolved.identifier_key is distinct from committed.identifier_key
),
{%- else -%}
changed as (
    select identity_record_key from resolved
),
{%- endif %}

records as (
    select * from {{ ref('int_identity_records_collected') }}
),

final as (
    select
        changed.identity_record_key,
        records.source,
        records.record_kind,
        records.client_id,
        records.user_id
    from changed
    left join records on changed.identity_record_key = records.identity_record_key
)

select * from final
