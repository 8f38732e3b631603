with audits as (
    {{ current_rows(
        source('hubspot', 'contact_merge_audit'), ['canonical_vid', 'vid_to_merge', 'timestamp']
    ) }}
),

contacts as (
    {{ current_rows(
        source('hubspot', 'contacts'),
        ['id'],
        'coalesce(lastmodifieddate, updatedAt, _fivetran_synced)'
    ) }}
),

-- a list that is anything but ids would be no JSON array
merged_id_lists as (
    select
        _source,
        id,
        '[' || replace(hs_merged_object_ids, ';', ',') || ']' as merged_ids
    from contacts
    where regexp_extract(hs_merged_object_ids, '^[0-9]+(;[0-9]+)*$', 0) <> ''
),

contact_merges as (
    select
        _source as source,
        canonical_vid as surviving_contact_id,
        vid_to_merge as merged_contact_id,
        {{ text_to_timestamp('timestamp') }} as merged_at,
        {{ text_to_timestamp('unmerged_at') }} as unmerged_at
    from audits
    union all
    -- the contact remembers whom it absorbed, also where the audit was not exported
    select
        merged_id_lists._source as source,
        merged_id_lists.id as surviving_contact_id,
        {{ json_scalar('merged.value') }} as merged_contact_id,
        cast(null as timestamp) as merged_at,
        cast(null as timestamp) as unmerged_at
    from merged_id_lists
    {{ json_elements('merged_id_lists.merged_ids', 'merged') }}
),

final as (
    select
        {{ surrogate_key(["source", "'crm_merge'", "surviving_contact_id", "merged_contact_id"]) }}
            as crm_merge_key,
        source,
        surviving_contact_id,
        merged_contact_id,
        max(merged_at) as merged_at,
        -- merged once more: what was taken back before counts no longer
        case
            when max(unmerged_at) >= coalesce(max(merged_at), max(unmerged_at))
                then max(unmerged_at)
        end as unmerged_at
    from contact_merges
    where surviving_contact_id <> merged_contact_id
    group by source, surviving_contact_id, merged_contact_id
)

select
    crm_merge_key,
    source,
    surviving_contact_id,
    merged_contact_id,
    merged_at,
    unmerged_at
from final
