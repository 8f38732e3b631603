with

components as (
    select * from {{ ref('int_identity_components') }}
),

identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
    where not is_blocked
),

labelled as (
    select
        identifiers.identifier_key,
        identifiers.identifier_type,
        identifiers.identifier_value,
        identifiers.first_seen_at,
        identifiers.last_seen_at,
        identifiers.record_count,
        components.component_key,
        components.skip_reason is not null as is_shared
    from identifiers
    inner join components on identifiers.identifier_key = components.identifier_key
),

-- the oldest identifier names the customer: more records never change who was there first
oldest as (
    select
        component_key,
        min_by(identifier_key, {{ sort_key([
            "coalesce(first_seen_at, timestamp '9999-12-31 00:00:00')", 'identifier_key'
        ]) }}) as oldest_key
    from labelled
    group by component_key
),

final as (
    select
        labelled.identifier_key,
        labelled.identifier_type,
        labelled.identifier_value,
        {{ customer_id('oldest.oldest_key') }} as customer_id,
        oldest.oldest_key as customer_oldest_identifier_key,
        labelled.is_shared,
        labelled.record_count,
        labelled.first_seen_at,
        labelled.last_seen_at,
        labelled.first_seen_at as valid_from,
        cast(null as timestamp) as valid_to
    from labelled
    inner join oldest on labelled.component_key = oldest.component_key
)

select * from final
