with events as (
    {{ current_rows(
        source('email_campaigns', 'events'), ['message_id', 'event', 'occurred_at', 'url']
    ) }}
),

renamed as (
    select
        _source as source,
        campaign_id,
        {{ blank_to_null('campaign_name') }} as campaign_name,
        message_id,
        event as logged_event,
        lower(trim(event)) as event_name,
        occurred_at as logged_at,
        {{ text_to_timestamp('occurred_at') }} as occurred_at,
        email__hash as email_hash,
        {{ blank_to_null('contact_id') }} as contact_id,
        url
    from events
),

typed as (
    select
        source,
        campaign_id,
        campaign_name,
        message_id,
        logged_event,
        logged_at,
        case
            when event_name in ('sent', 'send') then 'sent'
            when event_name in ('delivered', 'delivery') then 'delivered'
            when event_name in ('open', 'opened') then 'open'
            when event_name in ('click', 'clicked') then 'click'
            when event_name in ('bounce', 'bounced', 'hard_bounce', 'soft_bounce') then 'bounce'
            when event_name in ('unsubscribe', 'unsubscribed') then 'unsubscribe'
            when event_name in ('complaint', 'spam', 'spam_report') then 'complaint'
        end as event_type,
        occurred_at,
        email_hash,
        contact_id,
        url
    from renamed
),

final as (
    select
        {{ surrogate_key(
            ["source", "'message_event'", "message_id", "logged_event", "logged_at", "url"]
        ) }} as message_event_key,
        source,
        campaign_id,
        campaign_name,
        message_id,
        'email' as channel,
        event_type,
        occurred_at,
        email_hash,
        cast(null as string) as phone_hash,
        contact_id,
        {{ masked_link_path('url') }} as link_url_path
    from typed
    -- tools log more (deferred, dropped, forwarded): not events of the family
    where event_type is not null
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
