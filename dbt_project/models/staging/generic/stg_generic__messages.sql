with mapped as (
    {{ current_rows(source('generic', 'messages'), ['_row_id']) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'message_event'", "_row_id"]) }} as message_event_key,
        _source as source,
        {{ blank_to_null('campaign_id') }} as campaign_id,
        {{ blank_to_null('campaign_name') }} as campaign_name,
        {{ blank_to_null('message_id') }} as message_id,
        coalesce(lower({{ blank_to_null('channel') }}), 'email') as channel,
        lower({{ blank_to_null('event_type') }}) as event_type,
        {{ mapped_timestamp('occurred_at') }} as occurred_at,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('contact_id') }} as contact_id,
        {{ masked_link_path('link_url') }} as link_url_path
    from mapped
)

select
    message_event_key,
    source,
    campaign_id,
    campaign_name,
    message_id,
    channel,
    event_type,
    occurred_at,
    email_hash,
    phone_hash,
    contact_id,
    link_url_path
from final
