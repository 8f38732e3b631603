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
            as identity_record_key,
        committed.source,
        committed.record_kind,
        committed.client_id,
        committed.user_id
    from resolved
    full outer join committed on resolved.identity_record_key = committed.identity_record_key
    where
        resolved.customer_id is distinct from committed.customer_id
        or resolved.identifier_key is distinct from committed.identifier_key
),
{%- else -%}
changed as (
    select
        identity_record_key,
        cast(null as string) as source,
        cast(null as string) as record_kind,
        cast(null as string) as client_id,
        cast(null as string) as user_id
    from resolved
),
{%- endif %}

records as (
    select * from {{ ref('int_identity_records_collected') }}
),

-- of a record that is gone the last complete run still knows whose it was
final as (
    select
        changed.identity_record_key,
        coalesce(records.source, changed.source) as source,
        coalesce(records.record_kind, changed.record_kind) as record_kind,
        coalesce(records.client_id, changed.client_id) as client_id,
        coalesce(records.user_id, changed.user_id) as user_id
    from changed
    left join records on changed.identity_record_key = records.identity_record_key
),

-- noqa: disable=LT02
told as (
    select * from final
    {{ touched_before_too(
        ['identity_record_key', 'source', 'record_kind', 'client_id', 'user_id']
    ) }}
)
-- noqa: enable=LT02

select
    identity_record_key,
    max(source) as source,
    max(record_kind) as record_kind,
    max(client_id) as client_id,
    max(user_id) as user_id
from told
group by identity_record_key
