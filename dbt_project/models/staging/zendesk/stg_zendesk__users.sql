with users as (
    {{ current_rows(source('zendesk', 'users'), ['id'], 'coalesce(updated_at, _fivetran_synced)') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'zendesk_user'", "id"]) }} as zendesk_user_key,
        _source as source,
        id as user_id,
        {{ blank_to_null('external_id') }} as contact_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        lower(trim(role)) as role,
        {{ blank_to_null('locale') }} as locale,
        lower(trim(role)) in ('agent', 'admin') as is_agent
    from users
)

select
    zendesk_user_key,
    source,
    user_id,
    contact_id,
    email_hash,
    phone_hash,
    role,
    locale,
    is_agent
from final
