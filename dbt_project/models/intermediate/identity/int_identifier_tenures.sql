{{ rebuilt_by(
    'identifier_value',
    'int_touched_collected_records',
    touched_key='collected_phone_hash',
) }}
-- depends_on: {{ ref('int_touched_collected_records') }}

{% set sighting_ctes %}
records {{ "as materialized" if is_incremental() else "as" }} (
    select * from {{ ref('int_identity_records_collected') }}
    where
        phone_hash is not null
        and first_seen_at is not null
        and {{ 'phone_hash in (select collected_phone_hash from '
            ~ ref('int_touched_collected_records') ~ ')' if is_incremental() else 'true' }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

-- a month's records are of one owner, so that no shorter rest can divide them
rest as (
    select greatest(new_owner_after_days, 31) * 86400 as rest_seconds
    from rules
    where
        identifier_type = 'phone_hash'
        and new_owner_after_days is not null
),

-- most numbers were not known for so long
long_known as (
    select records.phone_hash
    from records
    cross join rest
    group by records.phone_hash
    having
        {{ seconds_between('min(records.first_seen_at)', 'max(records.first_seen_at)') }}
        >= max(rest.rest_seconds)
),

sightings as (
    select
        records.phone_hash,
        records.identity_record_key,
        records.first_seen_at,
        max(records.last_seen_at) over (
            partition by records.phone_hash
            order by records.first_seen_at, records.identity_record_key
            rows between unbounded preceding and 1 preceding
        ) as seen_until
    from records
    where records.phone_hash in (select phone_hash from long_known)
)
{% endset %}

{#- What was seen without such a rest in between. -#}
{% set seen_stretches %}
select
    sightings.phone_hash,
    sightings.identity_record_key,
    sightings.first_seen_at,
    sum(
        case
            when
                {{ seconds_between('sightings.seen_until', 'sightings.first_seen_at') }}
                >= rest.rest_seconds
                then 1
            else 0
        end
    ) over (
        partition by sightings.phone_hash
        order by sightings.first_seen_at, sightings.identity_record_key
        rows between unbounded preceding and current row
    ) as stretch_number
from sightings
cross join rest
{% endset %}

{%- set stretch_ctes -%}
{{ sighting_ctes }},

{{ computed_once('stretches', seen_stretches, given=sighting_ctes) }},

rested as (
    select phone_hash from stretches
    group by phone_hash
    having max(stretch_number) > 0
)
{%- endset -%}

{% set stretch_owners %}
{%- for type in identifier_types() %}
select
    stretches.phone_hash,
    stretches.stretch_number,
    '{{ type }}' as owner_type,
    records.{{ type }} as owner_value
from stretches
inner join records on stretches.identity_record_key = records.identity_record_key
where
    stretches.phone_hash in (select phone_hash from rested)
    and records.{{ type }} is not null
    and '{{ type }}' in (
        select identifier_type from rules
        where strength = 'certain'
    )
{{ 'union' if not loop.last }}
{%- endfor %}
{% endset %}

with

{{ stretch_ctes }},

{{ computed_once('owners', stretch_owners, given=stretch_ctes) }},

owned_stretches as (
    select
        phone_hash,
        stretch_number,
        lag(stretch_number) over (
            partition by phone_hash order by stretch_number
        ) as previous_number
    from (
        select distinct
            phone_hash,
            stretch_number
        from owners
    ) as distinct_stretches
),

-- the same owner after a long silence
continued as (
    select distinct
        owned_stretches.phone_hash,
        owned_stretches.stretch_number
    from owned_stretches
    inner join owners as now
        on
            owned_stretches.phone_hash = now.phone_hash
            and owned_stretches.stretch_number = now.stretch_number
    inner join owners as earlier
        on
            owned_stretches.phone_hash = earlier.phone_hash
            and owned_stretches.previous_number = earlier.stretch_number
            and now.owner_type = earlier.owner_type
            and now.owner_value = earlier.owner_value
),

handovers as (
    select
        owned_stretches.phone_hash,
        owned_stretches.stretch_number
    from owned_stretches
    left join continued
        on
            owned_stretches.phone_hash = continued.phone_hash
            and owned_stretches.stretch_number = continued.stretch_number
    where
        owned_stretches.previous_number is not null
        and continued.phone_hash is null
),

beginnings as (
    select
        stretches.phone_hash,
        min(stretches.first_seen_at) as valid_from
    from stretches
    inner join handovers
        on
            stretches.phone_hash = handovers.phone_hash
            and stretches.stretch_number = handovers.stretch_number
    group by stretches.phone_hash, stretches.stretch_number
    union all
    select
        phone_hash,
        min(first_seen_at) as valid_from
    from stretches
    where phone_hash in (select phone_hash from handovers)
    group by phone_hash
),

numbered as (
    select
        phone_hash,
        valid_from,
        row_number() over (partition by phone_hash order by valid_from) as tenure_number,
        lead(valid_from) over (partition by phone_hash order by valid_from) as valid_to
    from beginnings
),

named as (
    select
        phone_hash,
        valid_from,
        valid_to,
        tenure_number,
        -- the first owner's number is the number itself: what is known of it stays as it was
        case
            when tenure_number = 1 then phone_hash
            else phone_hash || '@' || substr(cast(cast(valid_from as date) as string), 1, 7)
        end as tenure_value
    from numbered
),

final as (
    select
        {{ identifier_key("'phone_hash'", 'tenure_value') }} as identifier_key,
        'phone_hash' as identifier_type,
        phone_hash as identifier_value,
        tenure_value,
        cast(tenure_number as integer) as tenure_number,
        valid_from,
        valid_to
    from named
)

select * from final
