with

separations as (
    select * from {{ ref('identity_separations') }}
),

crm_merges as (
    select * from {{ ref('int_crm_merges_unioned') }}
),

listed as (
    select
        separation_kind,
        {{ identifier_key('identifier_type', 'identifier_value') }}
            as identifier_key,
        case
            when other_value is not null
                then {{ identifier_key('other_type', 'other_value') }}
        end as other_key,
        cast(separated_on as timestamp) as separated_at,
        reason
    from separations
),

-- the CRM took a merge back: the two are what they were before, two people
unmerged as (
    select
        'unmerged' as separation_kind,
        {{ identifier_key("'contact_id'", 'trim(surviving_contact_id)') }}
            as identifier_key,
        {{ identifier_key("'contact_id'", 'trim(merged_contact_id)') }}
            as other_key,
        unmerged_at as separated_at,
        source as reason
    from crm_merges
    where unmerged_at is not null
),

unioned as (
    select * from listed
    union all
    select * from unmerged
),

final as (
    select
        {{ surrogate_key([
            "'identity_separation'",
            key_text('least(identifier_key, coalesce(other_key, identifier_key))'),
            key_text('greatest(identifier_key, coalesce(other_key, identifier_key))'),
        ]) }} as identity_separation_key,
        least(identifier_key, coalesce(other_key, identifier_key)) as from_key,
        greatest(identifier_key, coalesce(other_key, identifier_key)) as to_key,
        min(separation_kind) as separation_kind,
        min(separated_at) as separated_at,
        min(reason) as reason
    from unioned
    group by
        least(identifier_key, coalesce(other_key, identifier_key)),
        greatest(identifier_key, coalesce(other_key, identifier_key))
)

select * from final
