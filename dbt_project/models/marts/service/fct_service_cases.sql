with

cases as (
    select * from {{ ref('int_service_cases_unioned') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

contacts as (
    select * from {{ ref('int_service_contacts_identified') }}
),

contact_counts as (
    select
        service_case_key,
        count(*) as contact_count,
        count(*) filter (where direction = 'inbound') as inbound_contact_count
    from contacts
    where service_case_key is not null
    group by service_case_key
),

final as (
    select
        cases.service_case_key,
        cases.source,
        cases.case_id,
        records_resolved.identifier_key,
        records_resolved.customer_id,
        cases.channel,
        cases.topic,
        cases.priority,
        cases.status,
        cases.created_at,
        {{ local_date('cases.created_at') }} as created_date,
        cases.first_response_at,
        cases.solved_at,
        cases.updated_at,
        {{ seconds_between('cases.created_at', 'cases.first_response_at') }}
            as first_response_seconds,
        {{ seconds_between('cases.created_at', 'cases.solved_at') }} as resolution_seconds,
        cases.agent_id,
        cases.team_id,
        coalesce(contact_counts.contact_count, 0) as contact_count,
        coalesce(contact_counts.inbound_contact_count, 0) as inbound_contact_count,
        coalesce(cases.is_deleted, false) as is_deleted,
        coalesce(cases.status in ('open', 'pending'), false)
        and not coalesce(cases.is_deleted, false) as is_open,
        cases.order_ref
    from cases
    left join contact_counts on cases.service_case_key = contact_counts.service_case_key
    left join records_resolved
        on
            {{ identity_record_key(
                'service_case', ['contact_id', 'email_hash', 'phone_hash'],
                'cases.source', 'cases.'
            ) }}
            = records_resolved.identity_record_key
)

select * from final
