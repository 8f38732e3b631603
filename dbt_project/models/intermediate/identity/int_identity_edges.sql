{{ rebuilt_by(
    none,
    'int_touched_identifiers',
    touched_key='identifier_key',
    columns=['from_key', 'to_key'],
) }}
-- depends_on: {{ ref('int_touched_identity_inputs') }}
-- depends_on: {{ ref('int_touched_identifiers') }}

{#- One value for time, kind and source of a pair's first record: the earliest is the smallest. -#}
{% set first_sight = record({
    'seen_at': "coalesce(first_seen_at, timestamp '9999-12-31 00:00:00')",
    'record_kind': 'record_kind',
    'source': 'source',
}) %}

{% set records_read = ref(
    'int_touched_identity_inputs' if is_incremental() else 'int_identity_records_tenured'
) %}

{% set pairs %}
records as (
    select * from {{ records_read }}
    where
        identifier_count > 1
        and {{ 'is_record and is_present' if is_incremental() else 'true' }}
),

blocked as (
    select identifier_key from {{ ref('int_identifiers_observed') }}
    where is_blocked
),

rules as (
    select * from {{ ref('identity_rules') }}
),

separations as (
    select * from {{ ref('int_identity_separations') }}
),

crm_merges as (
    select
        trim(surviving_contact_id) as one_value,
        trim(merged_contact_id) as other_value,
        source,
        'crm_merge' as record_kind,
        merged_at as first_seen_at
    from {{ ref('int_crm_merges_unioned') }}
    where trim(surviving_contact_id) <> trim(merged_contact_id)
),

crm_merges_keyed as (
    select
        {{ identifier_key("'contact_id'", 'one_value') }} as one_key,
        {{ identifier_key("'contact_id'", 'other_value') }} as other_key,
        source,
        record_kind,
        first_seen_at
    from crm_merges
),

-- a record has fewer identifiers than pairs of them: keys are made before there are pairs
records_keyed {{ as_kept() }} (
    select
        {{ identifiers_as_keys() }},
        {{ first_sight }} as first_sight,
        record_kind = 'crm_contact' as is_crm_stated,
        last_seen_at,
        record_count
    from records
),

-- each pair of types by itself: no record is joined with itself
keyed as (
    select
        'contact_id' as one_type,
        'contact_id' as other_type,
        least(one_key, other_key) as one_key,
        greatest(one_key, other_key) as other_key,
        min({{ first_sight }}) as first_sight,
        true as is_crm_stated,
        max(first_seen_at) as last_seen_at,
        count(*) as record_count
    from crm_merges_keyed
    group by least(one_key, other_key), greatest(one_key, other_key)
    union all
    {{ identifiers_paired('records_keyed') }}
)
{% endset %}

{% set ranked_pairs %}
select
    least(keyed.one_key, keyed.other_key) as from_key,
    greatest(keyed.one_key, keyed.other_key) as to_key,
    case when keyed.one_key < keyed.other_key then keyed.one_type else keyed.other_type end
        as from_type,
    case when keyed.one_key < keyed.other_key then keyed.other_type else keyed.one_type end
        as to_type,
    keyed.first_sight,
    keyed.is_crm_stated,
    keyed.last_seen_at,
    keyed.record_count,
    case
        when one_rules.strength = 'certain' and other_rules.strength = 'certain' then 'certain'
        else 'supporting'
    end as strength
from keyed
inner join rules as one_rules on keyed.one_type = one_rules.identifier_type
inner join rules as other_rules on keyed.other_type = other_rules.identifier_type
left join blocked as one_blocked on keyed.one_key = one_blocked.identifier_key
left join blocked as other_blocked on keyed.other_key = other_blocked.identifier_key
where
    one_blocked.identifier_key is null
    and other_blocked.identifier_key is null
    and (
        {{ is_touched('keyed.one_key', 'int_touched_identifiers') if is_incremental() else 'true' }}
        or {{ is_touched('keyed.other_key', 'int_touched_identifiers')
            if is_incremental() else 'true' }}
    )
{% endset %}

with

{{ pairs }},

{{ computed_once('ranked', ranked_pairs, given=pairs) }},

-- few identifiers have so many links that a limit could be broken: numbers tell them from the rest
much_linked as (
    select counted.end_hash
    from (
        select
            end_hash,
            count(*) as link_count
        from (
            select {{ row_hash(['from_key']) }} as end_hash
            from ranked
            where strength = 'certain' and from_type <> to_type
            union all
            select {{ row_hash(['to_key']) }} as end_hash
            from ranked
            where strength = 'certain' and from_type <> to_type
        ) as ends
        group by end_hash
    ) as counted
    cross join (
        select min(max_linked) as max_linked
        from rules
        where strength = 'certain'
    ) as lowest
    where counted.link_count > lowest.max_linked
),

-- how many different values of one other certain type each certain value was seen with
linked_counts as (
    select
        identifier_key,
        identifier_type,
        linked_type,
        count(*) as linked_count
    from (
        select
            from_key as identifier_key,
            from_type as identifier_type,
            to_type as linked_type
        from ranked
        where
            strength = 'certain'
            and from_type <> to_type
            and {{ row_hash(['from_key']) }} in (select end_hash from much_linked)
        union all
        select
            to_key as identifier_key,
            to_type as identifier_type,
            from_type as linked_type
        from ranked
        where
            strength = 'certain'
            and from_type <> to_type
            and {{ row_hash(['to_key']) }} in (select end_hash from much_linked)
    ) as both_ways
    group by identifier_key, identifier_type, linked_type
),

{% if is_incremental() -%}
touched as (
    select identifier_key from {{ ref('int_touched_identifiers') }}
),

-- Untouched neighbours of what is touched keep their edges: what these say of them holds.
kept_counts as (
    select
        from_key as identifier_key,
        from_linked_count as linked_count
    from {{ this }}
    where
        from_linked_count is not null
        and from_key not in (select identifier_key from touched)
        and to_key in (select identifier_key from touched)
    union
    select
        to_key as identifier_key,
        to_linked_count as linked_count
    from {{ this }}
    where
        to_linked_count is not null
        and to_key not in (select identifier_key from touched)
        and from_key in (select identifier_key from touched)
),

{% endif -%}
shared as (
    select
        linked_counts.identifier_key,
        max(linked_counts.linked_count) as linked_count
    from linked_counts
    inner join rules on linked_counts.identifier_type = rules.identifier_type
    where
        linked_counts.linked_count > rules.max_linked
        {%- if is_incremental() %}
        and linked_counts.identifier_key in (select identifier_key from touched)
        {%- endif %}
    group by linked_counts.identifier_key
    {%- if is_incremental() %}
    union all
    select
        identifier_key,
        linked_count
    from kept_counts
    {%- endif %}
),

ends_of_separated as (
    select
        identity_separation_key,
        separation_kind,
        separated_at,
        from_key as end_key
    from separations
    union
    select
        identity_separation_key,
        separation_kind,
        separated_at,
        to_key as end_key
    from separations
),

near_separated as (
    select
        from_key,
        to_key,
        from_type,
        to_type,
        is_crm_stated
    from ranked
    {%- if is_incremental() %}
    union all
    select
        from_key,
        to_key,
        from_type,
        to_type,
        is_crm_stated
    from {{ this }}
    where
        from_key in (select end_key from ends_of_separated)
        and from_key not in (select identifier_key from touched)
        and to_key not in (select identifier_key from touched)
    union all
    select
        from_key,
        to_key,
        from_type,
        to_type,
        is_crm_stated
    from {{ this }}
    where
        to_key in (select end_key from ends_of_separated)
        and from_key not in (
            select end_key from ends_of_separated
            union all
            select identifier_key from touched
        )
        and to_key not in (select identifier_key from touched)
    {%- endif %}
),

links_of_separated as (
    select
        ends.identity_separation_key,
        ends.separation_kind,
        ends.separated_at,
        near_separated.from_type = 'contact_id' and near_separated.is_crm_stated as is_own_record,
        near_separated.to_key as linked_key
    from ends_of_separated as ends
    inner join near_separated on ends.end_key = near_separated.from_key
    union all
    select
        ends.identity_separation_key,
        ends.separation_kind,
        ends.separated_at,
        near_separated.to_type = 'contact_id' and near_separated.is_crm_stated as is_own_record,
        near_separated.from_key as linked_key
    from ends_of_separated as ends
    inner join near_separated on ends.end_key = near_separated.to_key
),

-- Who opted out stands alone, with all that the own record in the CRM names. What was seen with
-- both of two who are kept apart no longer says whose it is.
cut as (
    select
        identifier_key,
        min(separation_kind) as separation_kind,
        min(separated_at) as separated_at
    from (
        select
            from_key as identifier_key,
            separation_kind,
            separated_at
        from separations
        where separation_kind = 'opt_out'
        union all
        select
            linked_key as identifier_key,
            separation_kind,
            separated_at
        from links_of_separated
        where separation_kind = 'opt_out' and is_own_record
        union all
        select
            linked_key as identifier_key,
            min(separation_kind) as separation_kind,
            min(separated_at) as separated_at
        from links_of_separated
        where separation_kind <> 'opt_out'
        group by identity_separation_key, linked_key
        having count(*) > 1
    ) as found
    group by identifier_key
),

final as (
    select
        ranked.from_key,
        ranked.to_key,
        ranked.from_type,
        ranked.to_type,
        ranked.first_sight.source as source,
        ranked.first_sight.record_kind as record_kind,
        ranked.strength,
        ranked.is_crm_stated,
        nullif(
            ranked.first_sight.seen_at, timestamp '9999-12-31 00:00:00'
        ) as first_seen_at,
        ranked.last_seen_at,
        cast(ranked.record_count as bigint) as record_count,
        from_shared.linked_count as from_linked_count,
        to_shared.linked_count as to_linked_count,
        -- what the CRM merged by hand stays merged, however many values meet there
        (from_shared.identifier_key is not null or to_shared.identifier_key is not null)
        and ranked.from_type <> ranked.to_type as is_by_shared_value,
        coalesce(pair.separation_kind, from_cut.separation_kind, to_cut.separation_kind)
            as separation_kind,
        coalesce(pair.separated_at, from_cut.separated_at, to_cut.separated_at) as separated_at
    from ranked
    left join shared as from_shared on ranked.from_key = from_shared.identifier_key
    left join shared as to_shared on ranked.to_key = to_shared.identifier_key
    left join cut as from_cut on ranked.from_key = from_cut.identifier_key
    left join cut as to_cut on ranked.to_key = to_cut.identifier_key
    left join separations as pair
        on ranked.from_key = pair.from_key and ranked.to_key = pair.to_key
)

select * from final
