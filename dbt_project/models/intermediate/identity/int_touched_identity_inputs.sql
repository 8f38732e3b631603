{#- The model before it found out whether an increment is possible, and dropped what is no state to
    build on. -#}
{%- set applied = relation_built_before('int_identity_inputs_applied') -%}
-- depends_on: {{ ref('int_touched_collected_records') }}
-- depends_on: {{ ref('int_identity_records_tenured') }}

with

{% if applied -%}
collected as (
    select * from {{ ref('int_touched_collected_records') }}
),

-- only what changed itself, or has a number whose owners may be others now, can differ
inputs as materialized (
    {{ identity_inputs(
        "tenured.identity_record_key in (select identity_record_key from collected where is_present)"
        " or split_part(tenured.phone_hash, '@', 1) in (select phone_hash from collected)"
    ) }}
),

applied as materialized (
    select * from {{ applied }}
    where
        not is_record
        or record_hash in (select record_hash from collected where not is_present)
        or split_part(phone_hash, '@', 1) in (select phone_hash from collected)
),

differing as materialized (
    select
        coalesce(inputs.identity_record_key, applied.identity_record_key) as identity_record_key,
        inputs.identity_record_key is not null as is_present
    from inputs
    full outer join applied
        on inputs.identity_record_key = applied.identity_record_key
    where
        inputs.identity_record_key is null
        or applied.identity_record_key is null
        or {{ differs_from('inputs', 'applied') }}
),

differing_inputs as materialized (
    select
        *,
        true as is_present
    from inputs
    where
        identity_record_key in (
            select identity_record_key
            from differing
            where is_present
        )
    union all
    select
        *,
        false as is_present
    from applied
    where
        identity_record_key in (
            select identity_record_key
            from differing
            where not is_present
        )
),

-- a merge, its un-merge or a bad address changes what the neighbours' edges say
renamed_identifiers as materialized (
    {{ identifiers_of('(select * from differing_inputs where not is_record)') }}
),

records as not materialized (
    {{ identity_inputs_of_records() }}
),


-- by types of their own: where nothing of a type is renamed, which is most days, nothing is read
beside_renamed as materialized (
    {%- for type in ['contact_id', 'email_hash'] %}
    select
        *,
        true as is_present
    from records
    where {{ carries_touched_identifier('renamed_identifiers', [type]) }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

changed_identifiers as materialized (
    {{ identifiers_of('differing_inputs') }}
    union
    {{ identifiers_of('beside_renamed') }}
),

-- whatever carries one of these identifiers says something of it
touching as (
    select
        *,
        true as is_present
    from records
    where {{ carries_touched_identifier('changed_identifiers') }}
    union all
    select * from differing_inputs
    where not is_record or not is_present
),

final as (
    select
        identity_record_key,
        source,
        record_kind,
        is_record,
        {{ identifier_types() | join(', ') }},
        identifier_count,
        first_seen_at,
        last_seen_at,
        record_count,
        record_hash,
        is_present,
        identity_record_key in (
            select identity_record_key from differing
            union all
            select identity_record_key from beside_renamed
        ) as is_changed
    from touching
)
{%- else -%}
inputs as (
    {{ identity_inputs() }}
),

-- everything is computed anew: nothing in particular is touched
final as (
    select
        identity_record_key,
        source,
        record_kind,
        is_record,
        {{ identifier_types() | join(', ') }},
        identifier_count,
        first_seen_at,
        last_seen_at,
        record_count,
        record_hash,
        true as is_present,
        true as is_changed
    from inputs
    where identity_record_key is null
)
{%- endif %}

select * from final
