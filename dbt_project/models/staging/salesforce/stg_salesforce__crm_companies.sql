-- a loader in history mode delivers every version and says which is active: that one wins,
-- because versions may share their time of change
with accounts as (
    {{ current_rows(
        source('salesforce', 'accounts'),
        ['id'],
        'case
            when try_cast(_fivetran_active as boolean)
                then cast(make_date(9999, 12, 31) as string)
            else coalesce(system_modstamp, last_modified_date, _fivetran_synced)
        end'
    ) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'crm_company'", "id"]) }} as crm_company_key,
        _source as source,
        id as company_id,
        {{ blank_to_null('name') }} as company_name,
        {{ blank_to_null('industry') }} as industry,
        {{ blank_to_null('billing_country') }} as country,
        {{ text_to_timestamp('created_date') }} as created_at,
        {{ is_deleted_or_gone() }} as is_deleted
    from accounts
)

select
    crm_company_key,
    source,
    company_id,
    company_name,
    industry,
    country,
    created_at,
    is_deleted
from final
