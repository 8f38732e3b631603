{{ rebuilt_by('identifier_key', 'int_touched_customer_identifiers') }}
-- depends_on: {{ ref('int_touched_customer_identifiers') }}

{#- From scratch the table is read twice rather than kept: a CTE that two read would be in
    memory. -#}
{% set all_components =
    'touched_components' if is_incremental() else ref('int_identity_components') %}

with

{% if is_incremental() -%}
touched_components as (
    select * from {{ ref('int_identity_components') }}
    where {{ is_touched('identifier_key') }}
),

{% endif -%}
identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
    where not is_blocked
),

-- the oldest identifier names the customer: more records never change who was there first
oldest as (
    select
        component_key,
        min({{ record({
            'first_seen_at': "coalesce(first_seen_at, timestamp '9999-12-31 00:00:00')",
            'identifier_key': 'identifier_key',
        }) }}) as oldest_identifier
    from {{ all_components }}
    group by component_key
),

named as (
    select
        component_key,
        oldest_identifier.identifier_key as oldest_key,
        {{ customer_id('oldest_identifier.identifier_key') }} as customer_id
    from oldest
),

final as (
    select
        identifiers.identifier_key,
        identifiers.identifier_type,
        identifiers.identifier_value,
        named.customer_id,
        named.oldest_key as customer_oldest_identifier_key,
        components.skip_reason is not null as is_shared,
        identifiers.record_count,
        identifiers.first_seen_at,
        identifiers.last_seen_at,
        identifiers.first_seen_at as valid_from,
        cast(null as timestamp) as valid_to
    from {{ all_components }} as components
    inner join named on components.component_key = named.component_key
    inner join identifiers on components.identifier_key = identifiers.identifier_key
)

select * from final
