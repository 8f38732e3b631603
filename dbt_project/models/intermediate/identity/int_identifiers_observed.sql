{{ rebuilt_by('identifier_key', 'int_touched_identifiers') }}
-- depends_on: {{ ref('int_touched_identity_inputs') }}
-- depends_on: {{ ref('int_touched_identifiers') }}

with

records as (
    {%- if is_incremental() %}
    select * from {{ ref('int_touched_identity_inputs') }}
    where is_record and is_present
    {%- else %}
    select * from {{ ref('int_identity_records_tenured') }}
    {%- endif %}
),

-- By source first: a value is hashed once then, and not for every record that carries it.
by_source as (
    {%- for type in identifier_types() %}
    select
        '{{ type }}' as identifier_type,
        {{ type }} as identifier_value,
        source,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(record_count) as record_count
    from records
    where {{ type }} is not null
    group by {{ type }}, source
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

identifiers as (
    select
        {{ identifier_key('identifier_type', 'identifier_value') }}
            as identifier_key,
        identifier_type,
        identifier_value,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(record_count) as record_count,
        count(*) as source_count
    from by_source
    {%- if is_incremental() %}
    where
        (identifier_type, identifier_value) in (
            select (identifier_type, identifier_value) from {{ ref('int_touched_identifiers') }}
        )
    {%- endif %}
    group by identifier_type, identifier_value
),

-- patterns are for ids that people and scripts wrote: a keyed hash can equal none of them
named as (
    select
        identifier_key,
        identifier_type,
        lower(identifier_value) as identifier_text
    from identifiers
    where identifier_type not in ('email_hash', 'phone_hash')
),

matches as (
    {{ blocked_values('named', 'identifier_key') | indent(4) }}
),

bad_addresses as (
    select
        {{ identifier_key("'email_hash'", 'email_hash') }} as identifier_key,
        block_reason
    from (
        {{ bad_addresses() }}
    ) as addresses
),

final as (
    select
        identifiers.identifier_key,
        identifiers.identifier_type,
        identifiers.identifier_value,
        identifiers.first_seen_at,
        identifiers.last_seen_at,
        cast(identifiers.record_count as bigint) as record_count,
        identifiers.source_count,
        coalesce(matches.block_reason, bad_addresses.block_reason) is not null as is_blocked,
        coalesce(matches.block_reason, bad_addresses.block_reason) as block_reason
    from identifiers
    left join matches on identifiers.identifier_key = matches.identifier_key
    left join bad_addresses on identifiers.identifier_key = bad_addresses.identifier_key
)

select * from final
