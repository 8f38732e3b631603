{#- The model before it found out whether an increment is possible, and dropped what is no state to
    build on. -#}
{%- set applied = relation_built_before('int_identity_inputs_applied') -%}
{%- set input_columns = identity_input_columns() | join(', ') -%}
-- depends_on: {{ ref('int_touched_collected_records') }}
-- depends_on: {{ ref('int_identifier_tenures') }}
-- depends_on: {{ ref('int_identity_records_collected') }}
-- depends_on: {{ ref('int_identity_records_tenured') }}

with

{% if applied -%}
collected as (
    select * from {{ ref('int_touched_collected_records') }}
),

came_records as (
    {{ records_tenured('(select * from collected where is_present)') }}
),

came as (
    {{ identity_inputs_of_records('came_records') }}
),

-- Whose a number is can be told anew without its records having changed: all those of a number that
-- has or had a next owner are compared.
divided_numbers as materialized (
    select identifier_value as phone_hash
    from {{ ref('int_identifier_tenures') }}
    where
        tenure_number > 1
        and identifier_value in (select collected_phone_hash from collected)
    union
    select {{ collected_number('phone_hash') }} as phone_hash
    from {{ applied }}
    where
        phone_hash like '%@%'
        and {{ collected_number('phone_hash') }} in (select collected_phone_hash from collected)
),

records_of_divided as (
    select * from {{ ref('int_identity_records_tenured') }}
    where collected_phone_hash in (select phone_hash from divided_numbers)
),

compared as materialized (
    {{ identity_inputs('records_of_divided') }}
),

applied as materialized (
    {%- for condition in [
        'not is_record',
        'phone_hash in (select phone_hash from divided_numbers)',
        "phone_hash like '%@%' and " ~ collected_number('phone_hash')
        ~ ' in (select phone_hash from divided_numbers)',
    ] %}
    select
        {{ input_columns }},
        cast(null as string) as collected_record_key
    from {{ applied }}
    where {{ condition }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

differing as materialized (
    select
        coalesce(compared.identity_record_key, applied.identity_record_key) as identity_record_key,
        compared.identity_record_key is not null as is_present
    from compared
    full outer join applied
        on compared.identity_record_key = applied.identity_record_key
    where
        compared.identity_record_key is null
        or applied.identity_record_key is null
        or {{ differs_from('compared', 'applied') }}
),

present_inputs as materialized (
    select * from came
    union
    select * from compared
    where
        identity_record_key in (
            select identity_record_key
            from differing
            where is_present
        )
),

gone_inputs as materialized (
    select * from applied
    where
        identity_record_key in (
            select identity_record_key
            from differing
            where not is_present
        )
    union
    select
        {{ input_columns }},
        cast(null as string) as collected_record_key
    from (
        select
            *,
            true as is_record
        from collected
        where not is_present
    ) as withdrawn
    where identity_record_key not in (select identity_record_key from came)
),

differing_inputs as materialized (
    select
        *,
        true as is_present
    from present_inputs
    union all
    select
        *,
        false as is_present
    from gone_inputs
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

-- Whatever carries one of these identifiers says something of it. The records are looked through as
-- they were collected, a column at a time, so that nothing is computed for all; then it is seen
-- whose the number was.
changed_as_collected as materialized (
    select
        identifier_type,
        case
            when identifier_type = 'phone_hash' then {{ collected_number('identifier_value') }}
            else identifier_value
        end as identifier_value
    from changed_identifiers
),

possibly_carrying as (
    select * from {{ ref('int_identity_records_collected') }}
    where
        rowid in (
            {%- for type in identifier_types() %}
            select rowid
            from {{ ref('int_identity_records_collected') }}
            where {{ carries_touched_identifier('changed_as_collected', [type]) }}
            {{ 'union all' if not loop.last }}
            {%- endfor %}
        )
),

carrying as (
    select *
    from (
        {{ records_tenured('possibly_carrying') }}
    ) as tenured
    where {{ carries_touched_identifier('changed_identifiers') }}
),

touching as (
    select
        *,
        true as is_present
    from (
        {{ identity_inputs_of_records('carrying') }}
    ) as inputs_of_records
    union all
    select * from differing_inputs
    where not is_record or not is_present
),

final as (
    select
        {{ input_columns }},
        collected_record_key,
        is_present,
        identity_record_key in (
            select identity_record_key from differing_inputs
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
        {{ input_columns }},
        collected_record_key,
        true as is_present,
        true as is_changed
    from inputs
    where identity_record_key is null
)
{%- endif %}

select * from final
