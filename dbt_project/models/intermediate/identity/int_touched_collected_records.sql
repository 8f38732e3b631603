{%- set applied = identity_inputs_before() -%}
with

{% if applied -%}
collected as (
    select
        identity_record_key,
        phone_hash,
        {{ collected_record_hash() }} as record_hash
    from {{ ref('int_identity_records_collected') }}
),

applied as not materialized (
    select * from {{ applied }}
    where is_record
),

differing as materialized (
    select
        collected.identity_record_key,
        collected.phone_hash,
        collected.record_hash,
        applied.record_hash as gone_hash
    from collected
    full outer join (select record_hash from applied) as applied
        on collected.record_hash = applied.record_hash
    where
        collected.record_hash is null
        or applied.record_hash is null
),

-- a number that changed hands is the number itself: its next owners' times hang on all its records
final as (
    select
        identity_record_key,
        phone_hash,
        record_hash,
        true as is_present
    from differing
    where record_hash is not null
    union all
    select
        identity_record_key,
        split_part(phone_hash, '@', 1) as phone_hash,
        record_hash,
        false as is_present
    from applied
    where
        record_hash in (
            select gone_hash
            from differing
            where gone_hash is not null
        )
)
{%- else -%}
-- everything is computed anew: nothing in particular is touched
final as (
    select
        identity_record_key,
        phone_hash,
        {{ collected_record_hash() }} as record_hash,
        true as is_present
    from {{ ref('int_identity_records_collected') }}
    where identity_record_key is null
)
{%- endif %}

select * from final
