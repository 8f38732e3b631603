with

contacts as (
    select * from {{ ref('int_service_contacts_identified') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

final as (
    select
        contacts.service_contact_key,
        contacts.source,
        contacts.contact_ref,
        contacts.service_case_key,
        records_resolved.identifier_key,
        records_resolved.customer_id,
        contacts.channel,
        contacts.direction,
        contacts.queue,
        contacts.menu_choice,
        contacts.topic,
        contacts.agent_id,
        contacts.team_id,
        contacts.started_at,
        {{ local_date('contacts.started_at') }} as started_date,
        contacts.ended_at,
        contacts.wait_seconds,
        contacts.handle_seconds,
        contacts.outcome,
        contacts.is_transferred,
        contacts.is_resolved,
        contacts.begins_with_machine
    from contacts
    left join records_resolved
        on contacts.identity_record_key = records_resolved.identity_record_key
)

select * from final
