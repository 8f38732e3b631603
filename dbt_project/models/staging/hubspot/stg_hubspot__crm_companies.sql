with companies as (
    {{ current_rows(
        source('hubspot', 'companies'),
        ['id'],
        'coalesce(hs_lastmodifieddate, updatedAt, _fivetran_synced)'
    ) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'crm_company'", "id"]) }} as crm_company_key,
        _source as source,
        id as company_id,
        {{ blank_to_null('name') }} as company_name,
        {{ blank_to_null('industry') }} as industry,
        {{ blank_to_null('country') }} as country,
        coalesce(
            {{ text_to_timestamp('createdate') }}, {{ text_to_timestamp('createdAt') }}
        ) as created_at,
        coalesce({{ text_to_boolean('archived') }}, false) as is_deleted
    from companies
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
