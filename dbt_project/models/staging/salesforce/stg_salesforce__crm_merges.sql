-- a loader in history mode delivers every version and says which is active: that one wins,
-- because versions may share their time of change
with contacts as (
    {{ current_rows(
        source('salesforce', 'contacts'),
        ['id'],
        'case
            when try_cast(_fivetran_active as boolean)
                then cast(make_date(9999, 12, 31) as string)
            else coalesce(system_modstamp, last_modified_date, _fivetran_synced)
        end'
    ) }}
),

leads as (
    {{ current_rows(
        source('salesforce', 'leads'),
        ['id'],
        'case
            when try_cast(_fivetran_active as boolean)
                then cast(make_date(9999, 12, 31) as string)
            else coalesce(system_modstamp, last_modified_date, _fivetran_synced)
        end'
    ) }}
),

-- who once named a master and does no longer came back from the recycle bin: the merge was undone
named_before as (
    select
        _source,
        id,
        master_record_id,
        max({{ text_to_timestamp('coalesce(system_modstamp, last_modified_date)') }})
            as merged_at
    from (
        select
            _source,
            id,
            master_record_id,
            system_modstamp,
            last_modified_date
        from {{ source('salesforce', 'contacts') }}
        union all
        select
            _source,
            id,
            master_record_id,
            system_modstamp,
            last_modified_date
        from {{ source('salesforce', 'leads') }}
    ) as versions
    where {{ blank_to_null('master_record_id') }} is not null
    group by _source, id, master_record_id
),

living as (
    select
        _source,
        id,
        {{ text_to_timestamp('coalesce(system_modstamp, last_modified_date)') }} as changed_at
    from contacts
    where {{ blank_to_null('master_record_id') }} is null
    union all
    select
        _source,
        id,
        {{ text_to_timestamp('coalesce(system_modstamp, last_modified_date)') }} as changed_at
    from leads
    where {{ blank_to_null('master_record_id') }} is null
),

contact_merges as (
    select
        named_before._source as source,
        named_before.master_record_id as surviving_contact_id,
        named_before.id as merged_contact_id,
        named_before.merged_at,
        living.changed_at as unmerged_at
    from named_before
    inner join living
        on named_before._source = living._source and named_before.id = living.id
    union all
    -- the loser of a merge lies in the recycle bin and names the winner
    select
        _source as source,
        master_record_id as surviving_contact_id,
        id as merged_contact_id,
        {{ text_to_timestamp('coalesce(system_modstamp, last_modified_date)') }} as merged_at,
        cast(null as timestamp) as unmerged_at
    from contacts
    union all
    select
        _source as source,
        master_record_id as surviving_contact_id,
        id as merged_contact_id,
        {{ text_to_timestamp('coalesce(system_modstamp, last_modified_date)') }} as merged_at,
        cast(null as timestamp) as unmerged_at
    from leads
    union all
    -- a conversion turns a lead into a contact under another id; its date is a business day
    select
        _source as source,
        converted_contact_id as surviving_contact_id,
        id as merged_contact_id,
        {{ text_to_timestamp('converted_date', zone="'" ~ var('business_timezone') ~ "'") }}
            as merged_at,
        cast(null as timestamp) as unmerged_at
    from leads
),

final as (
    select
        {{ surrogate_key(["source", "'crm_merge'", "surviving_contact_id", "merged_contact_id"]) }}
            as crm_merge_key,
        source,
        surviving_contact_id,
        merged_contact_id,
        merged_at,
        unmerged_at
    from contact_merges
    where
        {{ blank_to_null('surviving_contact_id') }} is not null
        and surviving_contact_id <> merged_contact_id
)

select
    crm_merge_key,
    source,
    surviving_contact_id,
    merged_contact_id,
    merged_at,
    unmerged_at
from final
