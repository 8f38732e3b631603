{{ rebuilt_by('identifier_key', 'int_touched_customer_identifiers') }}
-- depends_on: {{ ref('int_touched_customer_identifiers') }}

with

components as (
    select * from {{ ref('int_identity_components') }}
    {%- if is_incremental() %}
    where
        identifier_key in (
            select identifier_key from {{ ref('int_touched_customer_identifiers') }}
        )
    {%- endif %}
),

identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
    where not is_blocked
),

-- the oldest identifier names the customer: more records never change who was there first
oldest as (
    select
        component_key,
        min_by(identifier_key, {{ sort_key([
            "coalesce(first_seen_at, timestamp '9999-12-31 00:00:00')", 'identifier_key'
        ]) }}) as oldest_key
    from components
    group by component_key
),

final as (
    select
        identifiers.identifier_key,
        identifiers.identifier_type,
        identifiers.identifier_value,
        {{ customer_id('oldest.oldest_key') }} as customer_id,
        oldest.oldest_key as customer_oldest_identifier_key,
        components.skip_reason is not null as is_shared,
        identifiers.record_count,
        identifiers.first_seen_at,
        identifiers.last_seen_at,
        identifiers.first_seen_at as valid_from,
        cast(null as timestamp) as valid_to
    from components
    inner join oldest on components.component_key = oldest.component_key
    inner join identifiers on components.identifier_key = identifiers.identifier_key
)

select * from final
