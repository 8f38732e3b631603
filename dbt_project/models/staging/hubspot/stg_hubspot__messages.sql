with events as (
    {{ current_rows(source('hubspot', 'email_events'), ['id']) }}
),

campaigns as (
    {{ current_rows(source('hubspot', 'email_campaigns'), ['id'], '_fivetran_synced') }}
),

loader_clicks as (
    {{ current_rows(source('hubspot', 'email_event_clicks'), ['id']) }}
),

loader_status_changes as (
    {{ current_rows(source('hubspot', 'email_event_status_changes'), ['id']) }}
),

joined as (
    select
        events._source as source,
        events.id as event_id,
        {{ blank_to_null('events.emailCampaignId') }} as campaign_id,
        {{ blank_to_null('campaigns.name') }} as campaign_name,
        -- every event of a message names the SENT event that began it
        coalesce({{ blank_to_null('events.sentBy_id') }}, events.id) as message_id,
        upper(trim(events.type)) as hubspot_type,
        upper(
            coalesce(
                events.portalSubscriptionStatus, loader_status_changes.portalSubscriptionStatus
            )
        ) as subscription_status,
        {{ text_to_timestamp('events.created') }} as occurred_at,
        events.recipient__hash as email_hash,
        {{ masked_link_path('coalesce(events.url, loader_clicks.url)') }} as link_url_path,
        coalesce({{ text_to_boolean('events.filteredEvent') }}, false) as is_filtered
    from events
    left join campaigns
        on events._source = campaigns._source and events.emailCampaignId = campaigns.id
    left join loader_clicks
        on events._source = loader_clicks._source and events.id = loader_clicks.id
    left join loader_status_changes
        on
            events._source = loader_status_changes._source
            and events.id = loader_status_changes.id
),

typed as (
    select
        source,
        event_id,
        campaign_id,
        campaign_name,
        message_id,
        case
            when hubspot_type = 'SENT' then 'sent'
            when hubspot_type = 'DELIVERED' then 'delivered'
            when hubspot_type = 'OPEN' then 'open'
            when hubspot_type = 'CLICK' then 'click'
            when hubspot_type = 'BOUNCE' then 'bounce'
            when hubspot_type = 'SPAMREPORT' then 'complaint'
            when hubspot_type = 'STATUSCHANGE' and subscription_status = 'UNSUBSCRIBED'
                then 'unsubscribe'
        end as event_type,
        occurred_at,
        email_hash,
        link_url_path
    from joined
    where not is_filtered
),

final as (
    select
        {{ surrogate_key(["source", "'message_event'", "event_id"]) }} as message_event_key,
        source,
        campaign_id,
        campaign_name,
        message_id,
        'email' as channel,
        event_type,
        occurred_at,
        email_hash,
        cast(null as string) as phone_hash,
        cast(null as string) as contact_id,
        link_url_path
    from typed
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
