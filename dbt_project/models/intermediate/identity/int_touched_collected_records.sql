{%- set applied = identity_inputs_before() -%}
{%- set told -%}
        source,
        record_kind,
        {{ identifier_types() | join(', ') }},
        identifier_count,
        first_seen_at,
        last_seen_at,
        record_count,
        record_hash
{%- endset -%}
with

{% if applied -%}
applied as not materialized (
    select * from {{ applied }}
    where is_record
),

-- Both sides are told by the numbers of their states alone, so that little is read and kept: all
-- columns are read of those that differ.
differing as materialized (
    select
        collected.record_position,
        applied.record_hash as gone_hash
    from (
        select
            rowid as record_position,
            {{ collected_record_hash() }} as record_hash
        from {{ ref('int_identity_records_collected') }}
    ) as collected
    full outer join (select record_hash from applied) as applied
        on collected.record_hash = applied.record_hash
    where
        collected.record_hash is null
        or applied.record_hash is null
),

came as materialized (
    select
        *,
        {{ collected_record_hash() }} as record_hash
    from {{ ref('int_identity_records_collected') }}
    where rowid in (select record_position from differing)
),

gone as (
    select
        identity_record_key,
        phone_hash,
        record_hash
    from applied
    where record_hash in (select gone_hash from differing)
),

-- what only changed is there under its key, or under that of the number's owner
withdrawn as (
    select record_hash
    from gone
    where
        identity_record_key not in (
            select identity_record_key from came
            union all
            select {{ identity_input_key('came.identity_record_key', 'owned.phone_hash') }}
            from (
                select distinct phone_hash
                from gone
                where phone_hash like '%@%'
            ) as owned
            inner join came on {{ collected_number('owned.phone_hash') }} = came.phone_hash
        )
),

final as (
    select
        identity_record_key,
        {{ told }},
        phone_hash as collected_phone_hash,
        true as is_present
    from came
    union all
    select
        identity_record_key,
        {{ told }},
        {{ collected_number('phone_hash') }} as collected_phone_hash,
        false as is_present
    from applied
    where record_hash in (select record_hash from withdrawn)
)
{%- else -%}
-- everything is computed anew: nothing in particular is touched
final as (
    select
        identity_record_key,
        {{ told }},
        phone_hash as collected_phone_hash,
        true as is_present
    from (
        select
            *,
            {{ collected_record_hash() }} as record_hash
        from {{ ref('int_identity_records_collected') }}
    ) as collected
    where identity_record_key is null
)
{%- endif %}

select * from final
