with

identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
),

edges as (
    select * from {{ ref('int_identity_edges') }}
),

groups as (
    select * from {{ ref('int_identity_groups_joined') }}
),

components as (
    select * from {{ ref('int_identity_components') }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

blocked_values as (
    select
        'blocked_value' as skip_kind,
        identifier_key as skipped_key,
        identifier_type,
        record_count as identifier_count,
        cast(null as integer) as limit_count,
        block_reason as reason
    from identifiers
    where is_blocked
),

shared_ends as (
    select
        from_key as identifier_key,
        from_type as identifier_type,
        from_linked_count as linked_count
    from edges
    where from_linked_count is not null
    union
    select
        to_key as identifier_key,
        to_type as identifier_type,
        to_linked_count as linked_count
    from edges
    where to_linked_count is not null
),

shared_values as (
    select
        'shared_value' as skip_kind,
        shared_ends.identifier_key as skipped_key,
        shared_ends.identifier_type,
        shared_ends.linked_count as identifier_count,
        rules.max_linked as limit_count,
        'Seen with more values of one other type than one person has' as reason
    from shared_ends
    inner join rules on shared_ends.identifier_type = rules.identifier_type
),

dissolved_groups as (
    select
        'group_over_limit' as skip_kind,
        dissolved_group_key as skipped_key,
        limit_type as identifier_type,
        max(dissolved_identifier_count) as identifier_count,
        max(max_per_customer) as limit_count,
        case
            when limit_type = 'kept_apart'
                then 'Two in it must be kept apart: left as the CRM states it'
            else 'More values of one type than one customer may have: left as the CRM states it'
        end as reason
    from groups
    where dissolved_group_key is not null
    group by dissolved_group_key, limit_type
),

shared_things as (
    select
        case
            when components.skip_reason = 'crowded' then 'crowded_value' else 'shared_thing'
        end as skip_kind,
        components.identifier_key as skipped_key,
        components.identifier_type,
        components.linked_count as identifier_count,
        case
            when components.skip_reason = 'crowded' then rules.max_per_customer
            else rules.max_linked
        end as limit_count,
        case
            when components.skip_reason = 'crowded'
                then 'Its customer has more values of the type than one may have'
            else 'Used by several customers: joins none of them'
        end as reason
    from components
    inner join rules on components.identifier_type = rules.identifier_type
    where components.skip_reason is not null
),

unioned as (
    select * from blocked_values
    union all
    select * from shared_values
    union all
    select * from dissolved_groups
    union all
    select * from shared_things
),

final as (
    select
        {{ surrogate_key(["'identity_skip'", 'skip_kind', key_text('skipped_key')]) }}
            as identity_skip_key,
        skip_kind,
        skipped_key,
        identifier_type,
        cast(identifier_count as bigint) as identifier_count,
        limit_count,
        reason
    from unioned
)

select * from final
