with

messages as (
    select * from {{ ref('int_messages_unioned') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

final as (
    select
        messages.message_event_key,
        messages.source,
        messages.campaign_id,
        messages.campaign_name,
        messages.message_id,
        messages.channel,
        messages.event_type,
        messages.occurred_at,
        {{ local_date('messages.occurred_at') }} as occurred_date,
        records_resolved.identifier_key,
        records_resolved.customer_id,
        messages.link_url_path
    from messages
    left join records_resolved
        on
            {{ identity_record_key(
                'message', ['contact_id', 'email_hash', 'phone_hash'],
                'messages.source', 'messages.'
            ) }}
            = records_resolved.identity_record_key
)

select * from final
