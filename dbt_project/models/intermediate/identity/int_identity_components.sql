{{ rebuilt_by('identifier_key', 'int_touched_customer_identifiers') }}
-- depends_on: {{ ref('int_touched_customer_identifiers') }}

{# Supporting types in the order in which they are attached: a telephone number first, because a
   browser that was seen with a number alone belongs to whoever the number belongs to. #}
{% set supporting_types = ['phone_hash', 'client_id'] %}

with

identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
    where
        not is_blocked
        and {{ is_touched('identifier_key') if is_incremental() else 'true' }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

certain {{ 'as not materialized' if is_incremental() else 'as' }} (
    select
        identifier_key,
        identifier_type,
        group_key,
        is_registered,
        first_seen_at
    from {{ ref('int_identity_groups_joined') }}
),

{% if is_incremental() -%}
touched_edges as materialized (
    {%- for one, other in [('from', 'to'), ('to', 'from')] %}
    select
        {{ one }}_key as identifier_key,
        {{ one }}_type as identifier_type,
        {{ other }}_key as linked_key,
        record_count
    from {{ ref('int_identity_edges') }}
    where
        strength = 'supporting'
        and {{ is_touched(one ~ '_key') }}
        and not is_by_shared_value
        and separation_kind is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{% endif -%}
{% for type in supporting_types %}
{%- set attached_so_far =
    'certain' if loop.first else 'attached_after_' ~ supporting_types[loop.index0 - 1] %}
{% if is_incremental() -%}
{{ type }}_edges as (
    select * from touched_edges
    where identifier_type = '{{ type }}'
),

{% else -%}
-- the edges of this type alone: one list of all, kept in memory, would be twice the edges
{{ type }}_edges as (
    {%- for one, other in [('from', 'to'), ('to', 'from')] %}
    select
        {{ one }}_key as identifier_key,
        {{ one }}_type as identifier_type,
        {{ other }}_key as linked_key,
        record_count
    from {{ ref('int_identity_edges') }}
    where
        {{ one }}_type = '{{ type }}'
        and strength = 'supporting'
        and not is_by_shared_value
        and separation_kind is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{% endif -%}
{{ type }}_links as (
    select
        edges.identifier_key,
        groups.group_key,
        groups.is_registered,
        sum(edges.record_count) as record_count
    from {{ type }}_edges as edges
    inner join {{ attached_so_far }} as groups on edges.linked_key = groups.identifier_key
    inner join rules on edges.identifier_type = rules.identifier_type
    where rules.strength = 'supporting'
    group by edges.identifier_key, groups.group_key, groups.is_registered
),

-- a registered customer goes before an address that was only ever typed into a guest's order
{{ type }}_verdicts as (
    select
        identifier_key,
        case
            when bool_or(is_registered) then count(*) filter (where is_registered)
            else count(*)
        end as linked_count,
        case
            when bool_or(is_registered) then count(*) filter (where not is_registered)
            else 0
        end as passed_over_count,
        max_by(
            group_key, {{ sort_key(['is_registered', 'record_count', 'group_key']) }}
        ) as group_key,
        bool_or(is_registered) as is_registered
    from {{ type }}_links
    group by identifier_key
),

{{ type }}_crowded as (
    select verdicts.group_key
    from {{ type }}_verdicts as verdicts
    cross join rules
    where
        rules.identifier_type = '{{ type }}'
        and verdicts.linked_count <= rules.max_linked
    group by verdicts.group_key
    having count(*) > max(rules.max_per_customer)
),

{{ type }}_attached as (
    select
        identifiers.identifier_key,
        case
            when verdicts.identifier_key is null then identifiers.identifier_key
            when verdicts.linked_count > rules.max_linked then identifiers.identifier_key
            when crowded.group_key is not null then identifiers.identifier_key
            else verdicts.group_key
        end as group_key,
        coalesce(verdicts.is_registered, false) as is_registered,
        verdicts.linked_count,
        coalesce(verdicts.passed_over_count, 0) as passed_over_count,
        case
            when verdicts.linked_count > rules.max_linked then 'shared'
            when crowded.group_key is not null then 'crowded'
        end as skip_reason,
        identifiers.identifier_type,
        identifiers.first_seen_at
    from identifiers
    inner join rules on identifiers.identifier_type = rules.identifier_type
    left join {{ type }}_verdicts as verdicts
        on identifiers.identifier_key = verdicts.identifier_key
    left join {{ type }}_crowded as crowded on verdicts.group_key = crowded.group_key
    where
        identifiers.identifier_type = '{{ type }}'
        and rules.strength = 'supporting'
),

-- what is shared says nothing about the next type
attached_after_{{ type }} as (
    select
        identifier_key,
        group_key,
        is_registered
    from {{ attached_so_far }}
    union all
    select
        identifier_key,
        group_key,
        is_registered
    from {{ type }}_attached
    where skip_reason is null
    {%- if is_incremental() %}
    union all
    select
        identifier_key,
        component_key as group_key,
        is_registered
    from {{ this }}
    where
        identifier_type = '{{ type }}'
        and skip_reason is null
        and identifier_key not in (
            select identifier_key from {{ ref('int_touched_customer_identifiers') }}
        )
    {%- endif %}
),

{% endfor %}
final as (
    select
        identifier_key,
        identifier_type,
        group_key as component_key,
        is_registered,
        cast(null as bigint) as linked_count,
        cast(0 as bigint) as passed_over_count,
        cast(null as string) as skip_reason,
        first_seen_at
    from certain
    {%- if is_incremental() %}
    where {{ is_touched('identifier_key') }}
    {%- endif %}
    {%- for type in supporting_types %}
    union all
    select
        identifier_key,
        identifier_type,
        group_key as component_key,
        is_registered,
        linked_count,
        passed_over_count,
        skip_reason,
        first_seen_at
    from {{ type }}_attached
    {%- endfor %}
)

select * from final
