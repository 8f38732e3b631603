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

contact_merges as (
    -- the loser of a merge lies in the recycle bin and names the winner
    select
        _source as source,
        master_record_id as surviving_contact_id,
        id as merged_contact_id,
        {{ text_to_timestamp('coalesce(system_modstamp, last_modified_date)') }} as merged_at
    from contacts
    union all
    select
        _source as source,
        master_record_id as surviving_contact_id,
        id as merged_contact_id,
        {{ text_to_timestamp('coalesce(system_modstamp, last_modified_date)') }} as merged_at
    from leads
    union all
    -- a conversion turns a lead into a contact under another id; its date is a business day
    select
        _source as source,
        converted_contact_id as surviving_contact_id,
        id as merged_contact_id,
        {{ text_to_timestamp('converted_date', zone="'" ~ var('business_timezone') ~ "'") }}
            as merged_at
    from leads
),

final as (
    select
        {{ surrogate_key(["source", "'crm_merge'", "surviving_contact_id", "merged_contact_id"]) }}
            as crm_merge_key,
        source,
        surviving_contact_id,
        merged_contact_id,
        merged_at
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
    merged_at
from final
