{{ rebuilt_by('identifier_key', 'int_touched_customer_identifiers') }}
-- depends_on: {{ ref('int_touched_customer_identifiers') }}

{#- From scratch the large tables are read where they are joined: a CTE that several read would be
    kept whole in memory. Of a batch the touched rows are few, and kept. -#}
{% set all_resolved = 'touched_resolved' if is_incremental() else ref('int_identifiers_resolved') %}
{% set all_edges = 'touched_edges' if is_incremental() else ref('int_identity_edges') %}

{% set large_tables %}
rules as (
    select * from {{ ref('identity_rules') }}
),

{% if is_incremental() -%}
touched_resolved as materialized (
    select * from {{ ref('int_identifiers_resolved') }}
    where
        identifier_key in (
            select identifier_key from {{ ref('int_touched_customer_identifiers') }}
        )
),

touched_edges as materialized (
    select * from {{ ref('int_identity_edges') }}
    where
        from_key in (
            select identifier_key from {{ ref('int_touched_customer_identifiers') }}
        )
),

{% endif -%}
-- who came together with somebody older never was a customer of its own
companions as (
    select distinct
        case
            when
                from_side.first_seen_at < to_side.first_seen_at
                or (
                    from_side.first_seen_at = to_side.first_seen_at
                    and edges.from_key < edges.to_key
                )
                then edges.to_key
            else edges.from_key
        end as identifier_key
    from {{ all_edges }} as edges
    inner join {{ all_resolved }} as from_side
        on edges.from_key = from_side.identifier_key
    inner join {{ all_resolved }} as to_side
        on edges.to_key = to_side.identifier_key
    where
        not edges.is_by_shared_value
        and edges.separation_kind is null
        and from_side.customer_oldest_identifier_key = to_side.customer_oldest_identifier_key
        and edges.first_seen_at <= greatest(from_side.first_seen_at, to_side.first_seen_at)
),

-- all others were, until they met an identifier older than themselves; a customer goes by the key of
-- the oldest of all
founders as (
    select
        resolved.identifier_key,
        resolved.customer_oldest_identifier_key as customer_key
    from {{ all_resolved }} as resolved
    left join companions on resolved.identifier_key = companions.identifier_key
    where
        resolved.first_seen_at is not null
        and companions.identifier_key is null
),

merged_customers as (
    select distinct customer_key
    from founders
    where identifier_key <> customer_key
),

-- What is cut today did join before: a merge that the CRM took back, an address of two who are kept
-- apart, all that an opt-out let go.
separated_edges as (
    select
        from_key,
        to_key
    from {{ all_edges }} as edges
    where
        not is_by_shared_value
        and separation_kind is not null
),

concerned_customers as (
    select customer_key from merged_customers
    union
    select resolved.customer_oldest_identifier_key as customer_key
    from {{ all_resolved }} as resolved
    where
        resolved.identifier_key in (
            select from_key from separated_edges
            union all
            select to_key from separated_edges
        )
)
{% endset %}

{% set concerned_identifiers %}
select
    resolved.identifier_key,
    resolved.customer_oldest_identifier_key as customer_key,
    resolved.is_shared,
    founders.identifier_key is not null as is_founder,
    resolved.first_seen_at
from {{ all_resolved }} as resolved
left join founders on resolved.identifier_key = founders.identifier_key
where
    resolved.first_seen_at is not null
    and resolved.customer_oldest_identifier_key in (select customer_key from concerned_customers)
{% endset %}

{% set concerned %}
{{ large_tables }},

{{ computed_once('resolved', concerned_identifiers, given=large_tables) }},

joining_edges as (
    select
        edges.from_key,
        edges.to_key,
        edges.from_type,
        edges.strength,
        edges.source,
        edges.record_kind,
        edges.first_seen_at,
        edges.separation_kind,
        edges.separated_at
    from {{ all_edges }} as edges
    where
        not edges.is_by_shared_value
        and edges.from_key in (select identifier_key from resolved)
)
{% endset %}

{% set edges_with_ages %}
select
    joining_edges.from_key,
    joining_edges.to_key,
    joining_edges.source,
    joining_edges.record_kind,
    joining_edges.strength,
    from_rules.strength = 'supporting' as is_from_supporting,
    from_side.customer_key as from_customer_key,
    to_side.customer_key as to_customer_key,
    from_side.first_seen_at as from_first_seen_at,
    to_side.first_seen_at as to_first_seen_at,
    -- an edge without a time holds as long as both its ends are known
    coalesce(
        joining_edges.first_seen_at, greatest(from_side.first_seen_at, to_side.first_seen_at)
    ) as first_seen_at,
    joining_edges.first_seen_at is not null as has_time,
    joining_edges.separation_kind,
    joining_edges.separated_at
from joining_edges
inner join resolved as from_side on joining_edges.from_key = from_side.identifier_key
inner join resolved as to_side on joining_edges.to_key = to_side.identifier_key
inner join rules as from_rules on joining_edges.from_type = from_rules.identifier_type
where
    from_side.customer_key = to_side.customer_key
    or joining_edges.separation_kind is not null
{% endset %}

{% set cuts %}
{{ concerned }},

{{ computed_once('dated_edges', edges_with_ages, given=concerned) }},

-- a number or browser that others use, or that belongs to somebody else now, joined nobody then
lone_customers as (
    select customer_key
    from resolved
    where
        not is_shared
        and customer_key in (
            select from_customer_key from dated_edges
            where separation_kind is not null
            union
            select to_customer_key from dated_edges
            where separation_kind is not null
        )
    group by customer_key
    having count(*) = 1
),

cut_edges as (
    select
        {{ identity_edge_key('from_key', 'to_key') }} as identity_edge_key,
        from_key,
        to_key,
        source,
        record_kind,
        from_customer_key,
        to_customer_key,
        first_seen_at,
        separation_kind,
        separated_at
    from dated_edges
    where
        separation_kind is not null
        and (
            strength = 'certain'
            or case when is_from_supporting then from_customer_key else to_customer_key end
            in (select customer_key from lone_customers)
        )
),

cut_customers as (
    select
        from_customer_key as from_key,
        to_customer_key as to_key
    from cut_edges
)
{% endset %}

{% set descents %}
{{ cuts }},

-- The one older identifier with which a companion came. From the first day on both were one
-- customer, so that the companion's history is that of the founder at whom these ways end.
descent as (
    select
        from_key,
        min({{ record({'first_seen_at': 'elder_seen_at', 'identifier_key': 'elder_key'}) }})
            .identifier_key as to_key
    from (
        select
            case when is_from_elder then to_key else from_key end as from_key,
            case when is_from_elder then from_key else to_key end as elder_key,
            case when is_from_elder then from_first_seen_at else to_first_seen_at end
                as elder_seen_at
        from (
            select
                from_key,
                to_key,
                from_first_seen_at,
                to_first_seen_at,
                from_first_seen_at < to_first_seen_at
                or (from_first_seen_at = to_first_seen_at and from_key < to_key)
                    as is_from_elder
            from dated_edges
            where
                separation_kind is null
                and has_time
                and first_seen_at <= greatest(from_first_seen_at, to_first_seen_at)
        ) as companion_edges
    ) as elders
    group by from_key
)
{% endset %}

{% set identifiers_of_founders %}
select
    resolved.identifier_key,
    resolved.customer_key,
    resolved.first_seen_at,
    resolved.is_founder,
    max(case when resolved.is_founder then resolved.identifier_key end) over (
        partition by coalesce(labelled.component_key, resolved.identifier_key)
    ) as founder_key
from resolved
left join (
    {{ connected_components('descent', given=descents) }}
) as labelled
    on resolved.identifier_key = labelled.node_key
{% endset %}

{% set founded_identifiers %}
{{ descents }},

{{ computed_once('founded', identifiers_of_founders, given=descents) }}
{% endset %}

{% set walks %}
{{ founded_identifiers }},

-- customers who were one until the first of the separations between them
joined_customers as (
    select
        node_key as customer_key,
        component_key
    from (
        {{ connected_components('cut_customers', given=cuts) }}
    ) as labelled
),

separated as (
    select
        joined_customers.component_key,
        min(cut_edges.separated_at) as separated_at,
        min(cut_edges.separation_kind) as separation_kind
    from cut_edges
    inner join joined_customers on cut_edges.from_customer_key = joined_customers.customer_key
    group by joined_customers.component_key
),

splits as (
    select
        joined_customers.customer_key,
        separated.separated_at,
        separated.separation_kind
    from joined_customers
    inner join separated on joined_customers.component_key = separated.component_key
),

-- few customers have a founder besides their oldest identifier, and fewer were divided: only there
-- has anything moved
moved_customers as (
    select customer_key from merged_customers
    union
    select customer_key from splits
),

-- as it was before the separation, and as it is; only who was a customer of its own ever named one
states as (
    select
        'then' as state,
        founded.identifier_key,
        founded.first_seen_at
    from founded
    inner join splits on founded.customer_key = splits.customer_key
    where founded.is_founder
    union all
    select
        'now' as state,
        founded.identifier_key,
        founded.first_seen_at
    from founded
    inner join moved_customers on founded.customer_key = moved_customers.customer_key
    where founded.is_founder
),

starts as (
    select
        state || identifier_key as start_key,
        first_seen_at as started_at
    from states
),

-- among founders alone it is walked: the first edge between what came with the one and the other
joints as (
    select
        from_side.founder_key as from_key,
        to_side.founder_key as to_key,
        from_side.customer_key as from_customer_key,
        dated_edges.source,
        dated_edges.record_kind,
        dated_edges.first_seen_at,
        {{ identity_edge_key('dated_edges.from_key', 'dated_edges.to_key') }}
            as identity_edge_key
    from dated_edges
    inner join founded as from_side on dated_edges.from_key = from_side.identifier_key
    inner join founded as to_side on dated_edges.to_key = to_side.identifier_key
    where
        dated_edges.separation_kind is null
        and from_side.founder_key <> to_side.founder_key
),

joints_of_states as (
    select
        'now' as state,
        joints.from_key,
        joints.to_key,
        joints.source,
        joints.record_kind,
        joints.first_seen_at,
        joints.identity_edge_key
    from joints
    inner join moved_customers on joints.from_customer_key = moved_customers.customer_key
    union all
    select
        'then' as state,
        joints.from_key,
        joints.to_key,
        joints.source,
        joints.record_kind,
        joints.first_seen_at,
        joints.identity_edge_key
    from joints
    inner join splits on joints.from_customer_key = splits.customer_key
    union all
    select
        'then' as state,
        from_side.founder_key as from_key,
        to_side.founder_key as to_key,
        cut_edges.source,
        cut_edges.record_kind,
        cut_edges.first_seen_at,
        cut_edges.identity_edge_key
    from cut_edges
    inner join founded as from_side on cut_edges.from_key = from_side.identifier_key
    inner join founded as to_side on cut_edges.to_key = to_side.identifier_key
    where from_side.founder_key <> to_side.founder_key
),

steps as (
    select
        state || from_key as from_key,
        state || to_key as to_key,
        first_seen_at,
        identity_edge_key as joined_by
    from joints_of_states
    union all
    select
        state || to_key as from_key,
        state || from_key as to_key,
        first_seen_at,
        identity_edge_key as joined_by
    from joints_of_states
)
{% endset %}

with

{{ walks }},

meetings as (
    select
        start_key,
        node_key,
        reached_at,
        joined_by
    from (
        {{ earliest_meetings('starts', 'steps', given=walks) }}
    ) as walked
),

-- at any time the oldest founder by whom a founder was reached names its customer
ranked as (
    select
        reached.state,
        reached.identifier_key as founder_key,
        founding.identifier_key as naming_key,
        greatest(meetings.reached_at, reached.first_seen_at) as reached_at,
        meetings.joined_by,
        {{ sort_key(['founding.first_seen_at', 'founding.identifier_key']) }} as age
    from meetings
    inner join states as founding
        on meetings.start_key = founding.state || founding.identifier_key
    inner join states as reached on meetings.node_key = reached.state || reached.identifier_key
),

oldest_so_far as (
    select
        state,
        founder_key,
        naming_key,
        reached_at,
        joined_by,
        age,
        min(age) over (
            partition by state, founder_key
            order by reached_at
            range between unbounded preceding and current row
        ) as oldest_age
    from ranked
),

named_founders as (
    select
        state,
        founder_key,
        naming_key,
        joined_by,
        reached_at as valid_from,
        lead(reached_at) over (partition by state, founder_key order by reached_at) as valid_to,
        count(*) over (partition by state, founder_key) as span_count
    from oldest_so_far
    where age = oldest_age
),

-- each identifier shares the history of its founder from its own first day on
named as (
    select
        named_founders.state,
        founded.identifier_key,
        named_founders.naming_key,
        named_founders.joined_by,
        greatest(named_founders.valid_from, founded.first_seen_at) as valid_from,
        named_founders.valid_to,
        founded.customer_key as current_customer_key
    from named_founders
    inner join founded on named_founders.founder_key = founded.founder_key
    where
        (named_founders.valid_to is null or named_founders.valid_to > founded.first_seen_at)
        and (
            named_founders.span_count > 1
            or founded.customer_key in (select customer_key from splits)
        )
),

-- the one state until the separation, the other from then on
dated as (
    select
        named.identifier_key,
        named.naming_key,
        named.current_customer_key,
        named.joined_by,
        cast(null as string) as separation_kind,
        named.valid_from,
        least(coalesce(named.valid_to, splits.separated_at), splits.separated_at) as valid_to
    from named
    inner join splits on named.current_customer_key = splits.customer_key
    where
        named.state = 'then'
        and named.valid_from < splits.separated_at
    union all
    select
        named.identifier_key,
        named.naming_key,
        named.current_customer_key,
        case
            when named.valid_from >= coalesce(splits.separated_at, named.valid_from)
                then named.joined_by
        end as joined_by,
        case when named.valid_from < splits.separated_at then splits.separation_kind end
            as separation_kind,
        greatest(named.valid_from, coalesce(splits.separated_at, named.valid_from)) as valid_from,
        named.valid_to
    from named
    left join splits on named.current_customer_key = splits.customer_key
    where
        named.state = 'now'
        and (
            splits.separated_at is null
            or named.valid_to is null
            or named.valid_to > splits.separated_at
        )
),

-- a customer who keeps the id through a separation of others has one span
changes as (
    select
        dated.identifier_key,
        dated.naming_key,
        dated.current_customer_key,
        dated.joined_by,
        dated.separation_kind,
        dated.valid_from,
        lag(dated.naming_key) over (
            partition by dated.identifier_key order by dated.valid_from
        ) as previous_key
    from dated
    where dated.valid_to is null or dated.valid_to > dated.valid_from
),

spans as (
    select
        changes.identifier_key,
        changes.naming_key,
        changes.current_customer_key,
        changes.joined_by,
        changes.separation_kind,
        changes.previous_key,
        changes.valid_from,
        lead(changes.valid_from) over (
            partition by changes.identifier_key order by changes.valid_from
        ) as valid_to,
        count(*) over (partition by changes.identifier_key) as span_count
    from changes
    where
        changes.previous_key is null
        or changes.previous_key <> changes.naming_key
),

joining_records as (
    select distinct
        identity_edge_key,
        source,
        record_kind
    from joints_of_states
),

final as (
    select
        spans.identifier_key,
        {{ customer_id('spans.naming_key') }} as customer_id,
        {{ customer_id('spans.current_customer_key') }} as current_customer_id,
        spans.identifier_key = spans.naming_key as is_founder,
        spans.valid_from,
        spans.valid_to,
        case
            when spans.separation_kind is not null then 'split: ' || spans.separation_kind
            when spans.previous_key is null then 'first seen'
            else 'merged: ' || joining_records.record_kind || ' of ' || joining_records.source
        end as reason,
        case
            when spans.previous_key is not null and spans.separation_kind is null
                then {{ key_text('spans.joined_by') }}
        end as identity_edge_key
    from spans
    left join joining_records on spans.joined_by = joining_records.identity_edge_key
    where spans.span_count > 1
)

select * from final
