{%- set edges = relation_built_before('int_identity_edges') -%}
with

changed_inputs as (
    select * from {{ ref('int_touched_identity_inputs') }}
    where is_changed
),

identifiers as (
    {{ identifiers_of('changed_inputs') }}
),

keyed as (
    select
        {{ identifier_key('identifier_type', 'identifier_value') }}
            as identifier_key,
        identifier_type,
        identifier_value
    from identifiers
),

{% if edges -%}
shared_before as (
    select from_key as identifier_key
    from {{ edges }}
    where from_linked_count is not null
    union
    select to_key as identifier_key
    from {{ edges }}
    where to_linked_count is not null
),
{%- else -%}
shared_before as (
    select cast(null as {{ compact_key_type() }}) as identifier_key
),
{%- endif %}

final as (
    select
        keyed.identifier_key,
        keyed.identifier_type,
        keyed.identifier_value,
        shared_before.identifier_key is not null as was_shared
    from keyed
    left join shared_before on keyed.identifier_key = shared_before.identifier_key
)

select * from final
