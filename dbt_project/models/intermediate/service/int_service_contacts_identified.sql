with

contacts_unioned as (
    select * from {{ ref('int_service_contacts_unioned') }}
),

cases as (
    select * from {{ ref('int_service_cases_unioned') }}
),

-- a reply in a ticket often carries nothing but the ticket: its requester is the customer
case_keys as (
    select
        source,
        case_id,
        min(service_case_key) as service_case_key,
        min({{ identity_record_key('service_case', ['contact_id', 'email_hash', 'phone_hash']) }})
            as identity_record_key
    from cases
    group by source, case_id
    having count(*) = 1
),

-- the log of calls and chats names tickets of another system: an id that only one system has
cases_of_one_system as (
    select
        case_id,
        min(service_case_key) as service_case_key,
        min(identity_record_key) as identity_record_key
    from case_keys
    group by case_id
    having count(*) = 1
),

-- a ticket that is itself taken for a conversation gives way where another system logged the
-- conversation and names the ticket: one call is one contact
logged_elsewhere as (
    select distinct ticket.service_contact_key
    from contacts_unioned as ticket
    inner join contacts_unioned as logged
        on
            ticket.case_ref = logged.case_ref
            and ticket.source <> logged.source
    where
        ticket.contact_ref = ticket.case_ref
        and logged.contact_ref <> logged.case_ref
),

contacts as (
    select * from contacts_unioned
    where service_contact_key not in (select service_contact_key from logged_elsewhere)
),

final as (
    select
        contacts.service_contact_key,
        contacts.source,
        contacts.contact_ref,
        contacts.case_ref,
        coalesce(case_keys.service_case_key, cases_of_one_system.service_case_key)
            as service_case_key,
        contacts.channel,
        contacts.direction,
        contacts.queue,
        contacts.menu_choice,
        contacts.topic,
        contacts.agent_id,
        contacts.team_id,
        contacts.started_at,
        contacts.ended_at,
        contacts.wait_seconds,
        contacts.handle_seconds,
        contacts.outcome,
        contacts.is_transferred,
        contacts.is_resolved,
        -- what the source does not say: in the phone menu, by text message and in a queue of bots
        -- a machine answers first
        coalesce(
            contacts.begins_with_machine,
            contacts.channel in ('ivr', 'sms') or lower(contacts.queue) like '%bot%',
            false
        ) as begins_with_machine,
        case
            when
                coalesce(
                    contacts.loyalty_id, contacts.email_hash, contacts.phone_hash,
                    contacts.client_id
                ) is null
                then coalesce(
                    case_keys.identity_record_key, cases_of_one_system.identity_record_key
                )
            else {{ identity_record_key(
                'service_contact', ['loyalty_id', 'email_hash', 'phone_hash', 'client_id'],
                'contacts.source', 'contacts.'
            ) }}
        end as identity_record_key
    from contacts
    left join case_keys
        on
            contacts.case_ref = case_keys.case_id
            and contacts.source = case_keys.source
    left join cases_of_one_system on contacts.case_ref = cases_of_one_system.case_id
)

select * from final
