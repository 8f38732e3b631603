with

records as (
    select * from {{ ref('int_identity_records_collected') }}
    where identifier_count > 1
),

identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
    where not is_blocked
),

rules as (
    select * from {{ ref('identity_rules') }}
),

contact_merges as (
    select
        source,
        merged_at,
        {{ surrogate_key(["'identifier'", "'contact_id'", 'surviving_contact_id']) }}
            as surviving_key,
        {{ surrogate_key(["'identifier'", "'contact_id'", 'merged_contact_id']) }} as merged_key
    from {{ ref('int_crm_merges_unioned') }}
    where
        surviving_contact_id is not null
        and merged_contact_id is not null
        and surviving_contact_id <> merged_contact_id
),

listed as (
    {{ identifiers_listed('records') }}
),

usable as (
    select
        listed.identity_record_key,
        listed.source,
        listed.record_kind,
        listed.identifier_key,
        listed.identifier_type,
        listed.first_seen_at,
        listed.last_seen_at,
        listed.record_count
    from listed
    inner join identifiers on listed.identifier_key = identifiers.identifier_key
),

seen_together as (
    select
        one.identifier_key as from_key,
        other.identifier_key as to_key,
        one.identifier_type as from_type,
        other.identifier_type as to_type,
        one.source,
        one.record_kind,
        one.first_seen_at,
        one.last_seen_at,
        one.record_count
    from usable as one
    inner join usable as other
        on
            one.identity_record_key = other.identity_record_key
            and one.identifier_key < other.identifier_key
),

merged as (
    select
        least(surviving_key, merged_key) as from_key,
        greatest(surviving_key, merged_key) as to_key,
        'contact_id' as from_type,
        'contact_id' as to_type,
        source,
        'crm_merge' as record_kind,
        merged_at as first_seen_at,
        merged_at as last_seen_at,
        1 as record_count
    from contact_merges
),

unioned as (
    select * from seen_together
    union all
    select * from merged
),

pairs as (
    select
        from_key,
        to_key,
        from_type,
        to_type,
        min_by(source, {{ sort_key(['first_seen_at', 'record_kind', 'source']) }}) as source,
        min_by(record_kind, {{ sort_key(['first_seen_at', 'record_kind', 'source']) }})
            as record_kind,
        bool_or(record_kind in ('crm_contact', 'crm_merge')) as is_crm_stated,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        cast(sum(record_count) as bigint) as record_count
    from unioned
    group by from_key, to_key, from_type, to_type
),

ranked as (
    select
        pairs.from_key,
        pairs.to_key,
        pairs.from_type,
        pairs.to_type,
        pairs.source,
        pairs.record_kind,
        pairs.is_crm_stated,
        pairs.first_seen_at,
        pairs.last_seen_at,
        pairs.record_count,
        case
            when from_rules.strength = 'certain' and to_rules.strength = 'certain' then 'certain'
            else 'supporting'
        end as strength
    from pairs
    inner join rules as from_rules on pairs.from_type = from_rules.identifier_type
    inner join rules as to_rules on pairs.to_type = to_rules.identifier_type
),

-- how many different values of one other certain type each certain value was seen with
certain_both_ways as (
    select
        from_key as identifier_key,
        from_type as identifier_type,
        to_type as linked_type
    from ranked
    where strength = 'certain' and from_type <> to_type
    union all
    select
        to_key as identifier_key,
        to_type as identifier_type,
        from_type as linked_type
    from ranked
    where strength = 'certain' and from_type <> to_type
),

linked_counts as (
    select
        identifier_key,
        identifier_type,
        linked_type,
        count(*) as linked_count
    from certain_both_ways
    group by identifier_key, identifier_type, linked_type
),

shared as (
    select
        linked_counts.identifier_key,
        max(linked_counts.linked_count) as linked_count
    from linked_counts
    inner join rules on linked_counts.identifier_type = rules.identifier_type
    where linked_counts.linked_count > rules.max_linked
    group by linked_counts.identifier_key
),

final as (
    select
        {{ surrogate_key(["'identity_edge'", 'ranked.from_key', 'ranked.to_key']) }}
            as identity_edge_key,
        ranked.from_key,
        ranked.to_key,
        ranked.from_type,
        ranked.to_type,
        ranked.source,
        ranked.record_kind,
        ranked.strength,
        ranked.is_crm_stated,
        ranked.first_seen_at,
        ranked.last_seen_at,
        ranked.record_count,
        from_shared.linked_count as from_linked_count,
        to_shared.linked_count as to_linked_count,
        -- what the CRM merged by hand stays merged, however many values meet there
        (from_shared.identifier_key is not null or to_shared.identifier_key is not null)
        and ranked.record_kind <> 'crm_merge' as is_by_shared_value
    from ranked
    left join shared as from_shared on ranked.from_key = from_shared.identifier_key
    left join shared as to_shared on ranked.to_key = to_shared.identifier_key
)

select * from final
