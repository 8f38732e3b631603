{%- set applied = identity_inputs_before() -%}
with

{% if applied -%}
applied as not materialized (
    select * from {{ applied }}
),

inputs as not materialized (
    {{ identity_inputs() }}
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
    select * from inputs
    where is_record
),

beside_renamed as materialized (
    select
        *,
        true as is_present
    from records
    where {{ carries_touched_identifier('renamed_identifiers', ['contact_id', 'email_hash']) }}
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
        true as is_present,
        true as is_changed
    from inputs
    where identity_record_key is null
)
{%- endif %}

select * from final
