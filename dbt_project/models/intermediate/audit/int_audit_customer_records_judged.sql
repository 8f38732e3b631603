{%- set contact_fields = [
    'company_id', 'email_hash', 'phone_hash', 'loyalty_id', 'user_id', 'lifecycle_stage',
    'persona_id', 'country', 'city', 'created_at',
] -%}
{%- set flags = [
    'crm01', 'crm02', 'crm03', 'crm04', 'crm05', 'crm06', 'crm08', 'pri05', 'rec05', 'rec08',
] -%}
with

contacts as (

    select * from {{ ref('int_crm_contacts_unioned') }}
    where not coalesce(is_deleted, false)

),

deals as (

    select * from {{ ref('int_crm_deals_unioned') }}
    where not coalesce(is_deleted, false)

),

cases as (

    select * from {{ ref('int_service_cases_unioned') }}
    where not coalesce(is_deleted, false)

),

orders as (

    select * from {{ ref('int_orders_unioned') }}

),

messages as (

    select * from {{ ref('int_messages_unioned') }}

),

crm_fields as (

    select * from {{ source('plan', 'crm_fields') }}
    where table_name = 'contacts'

),

-- A family has one number, and operators give a number to the next customer: with an address of its
-- own each, two contacts of one number are two people.
contacts_compared as (

    select
        *,
        case
            when email_hash is not null
                then count(*) over (partition by source, email_hash)
        end as same_email_count,
        case
            when phone_hash is not null
                then count(*) over (partition by source, phone_hash)
        end as same_phone_count,
        sum(case when email_hash is null then 1 else 0 end)
            over (partition by source, phone_hash) as same_phone_only_count
    from contacts

),

contacts_judged as (

    select
        source,
        crm_contact_key as sample_key,
        created_at as occurred_at,
        'contacts' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'crm01': "case when email_hash is not null or phone_hash is not null"
                ~ " then coalesce(same_email_count, 0) > 1"
                ~ " or coalesce(same_phone_count > 1 and same_phone_only_count > 0, false) end",
            'crm02': "case when email_hash is not null or is_email_valid is not null"
                ~ " then coalesce(not is_email_valid, false) or coalesce(is_test_address, false) end",
            'crm04': lifecycle_rank('lifecycle_stage') ~ ' < furthest_lifecycle_rank',
        }) }}
    from contacts_compared

),

fields_filled as (

    {%- for field in contact_fields %}
    select
        source,
        crm_contact_key as sample_key,
        created_at as occurred_at,
        -- What has no time is judged by the plan in force.
        coalesce(cast(created_at as date), date '9999-12-30') as created_on,
        '{{ field }}' as field_name,
        {{ field }} is null as is_empty
    from contacts
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

-- A field that a source never fills is not a field of that source.
fields_known as (

    select
        source,
        field_name
    from fields_filled
    where not is_empty
    group by source, field_name

),

fields_judged as (

    select
        fields_filled.source,
        fields_filled.sample_key,
        fields_filled.occurred_at,
        'contacts' as subject,
        fields_filled.field_name as detail,
        {{ audit_flags(flags, {'crm03': 'fields_filled.is_empty'}) }}
    from fields_filled
    inner join crm_fields
        on
            fields_filled.field_name = crm_fields.field_name
            and {{ plan_holds('crm_fields', 'fields_filled.created_on') }}
    inner join fields_known
        on
            fields_filled.source = fields_known.source
            and fields_filled.field_name = fields_known.field_name

),

deals_judged as (

    select
        source,
        crm_deal_key as sample_key,
        created_at as occurred_at,
        'deals' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'crm05': 'contact_id is null and company_id is null',
            'crm06': 'case when is_closed and closed_at is not null then closed_at < created_at end',
        }) }}
    from deals

),

cases_judged as (

    select
        source,
        service_case_key as sample_key,
        created_at as occurred_at,
        'cases' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'crm05': 'contact_id is null and email_hash is null and phone_hash is null',
            'crm06': "coalesce(solved_at < created_at, false)"
                ~ " or coalesce(first_response_at < created_at, false)"
                ~ " or (status in ('solved', 'closed') and agent_id is null)",
        }) }}
    from cases

),

customer_orders as (

    select
        source,
        coalesce(customer_ref, loyalty_id, email_hash, phone_hash) as customer_value,
        count(*) as order_count,
        max(ordered_at) as occurred_at
    from orders
    where coalesce(customer_ref, loyalty_id, email_hash, phone_hash) is not null
    group by source, coalesce(customer_ref, loyalty_id, email_hash, phone_hash)

),

customer_orders_compared as (

    select
        *,
        {{ quantile('order_count', 0.99) }} over (partition by source) as high_order_count
    from customer_orders

),

customers_judged as (

    select
        source,
        {{ surrogate_key(['source', 'customer_value']) }} as sample_key,
        occurred_at,
        'customers' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {'crm08': 'order_count > greatest(30, 5 * high_order_count)'}) }}
    from customer_orders_compared

),

opt_outs as (

    select
        email_hash,
        min(occurred_at) as opted_out_at
    from messages
    where event_type = 'unsubscribe' and email_hash is not null
    group by email_hash

),

refusals as (

    select
        email_hash,
        max(updated_at) as refused_at
    from contacts
    where has_email_consent = false and email_hash is not null
    group by email_hash

),

sends_judged as (

    select
        messages.source,
        messages.message_event_key as sample_key,
        messages.occurred_at,
        'messages' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'pri05': "coalesce(messages.occurred_at > opt_outs.opted_out_at, false)"
                ~ " or coalesce(messages.occurred_at > refusals.refused_at, false)",
        }) }}
    from messages
    left join opt_outs
        on messages.email_hash = opt_outs.email_hash
    left join refusals
        on messages.email_hash = refusals.email_hash
    where messages.event_type = 'sent' and messages.channel = 'email'

),

known_cases as (

    select distinct case_id from {{ ref('int_service_cases_unioned') }}

),

case_counts as (

    select count(*) as case_count from known_cases

),

service_contacts_judged as (

    select
        service_contacts.source,
        service_contacts.service_contact_key as sample_key,
        service_contacts.started_at as occurred_at,
        'service contacts' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'rec08': 'case when case_counts.case_count > 0 then known_cases.case_id is null end',
        }) }}
    from {{ ref('int_service_contacts_unioned') }} as service_contacts
    cross join case_counts
    left join known_cases
        on service_contacts.case_ref = known_cases.case_id
    where service_contacts.case_ref is not null

),

lead_events as (

    select distinct
        event_name,
        valid_from,
        valid_to
    from {{ source('plan', 'reconciliations') }}
    where order_table = 'crm_contacts'

),

goal_events as (

    select * from {{ ref('int_audit_goal_events') }}

),

-- Deleted and merged contacts count: the lead did reach the CRM.
contacts_of_clients as (

    select
        client_id,
        min(created_at) as created_at
    from {{ ref('int_crm_contacts_unioned') }}
    where client_id is not null
    group by client_id

),

crm_known as (

    select max(created_at) as newest_at from contacts_of_clients

),

-- One row a client and day: who sends a form twice is one lead.
leads as (

    select
        goal_events.source,
        goal_events.client_id,
        goal_events.event_date,
        min(goal_events.web_event_key) as web_event_key,
        min(goal_events.occurred_at) as occurred_at
    from goal_events
    inner join lead_events
        on
            goal_events.event_name = lead_events.event_name
            and {{ plan_holds('lead_events', 'goal_events.event_date') }}
    group by goal_events.source, goal_events.client_id, goal_events.event_date

),

leads_judged as (

    select
        leads.source,
        leads.web_event_key as sample_key,
        leads.occurred_at,
        'leads' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'rec05': "case when leads.occurred_at < crm_known.newest_at - interval '1' day"
                ~ " then coalesce(contacts_of_clients.created_at"
                ~ " > leads.occurred_at + interval '1' day, true) end",
        }) }}
    from leads
    cross join crm_known
    left join contacts_of_clients
        on leads.client_id = contacts_of_clients.client_id

),

-- The reverse: a contact that a web form made, on days that are tracked, whose client did nothing
-- there that the plan counts as a goal.
clients_seen as (

    select
        client_id,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from goal_events
    group by client_id

),

days_tracked as (

    select
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from goal_events

),

web_contacts_judged as (

    select
        contacts.source,
        {{ surrogate_key(['contacts.crm_contact_key', "'web'"]) }} as sample_key,
        contacts.created_at as occurred_at,
        'web contacts' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'rec05': "case when contacts.lifecycle_stage = 'lead'"
                ~ " then coalesce(clients_seen.first_at > contacts.created_at + interval '1' day"
                ~ " or clients_seen.last_at < contacts.created_at - interval '1' day, true) end",
        }) }}
    from contacts
    inner join days_tracked
        on contacts.created_at between days_tracked.first_at and days_tracked.last_at
    left join clients_seen
        on contacts.client_id = clients_seen.client_id
    where contacts.client_id is not null

),

united as (

    select * from contacts_judged
    union all
    select * from fields_judged
    union all
    select * from deals_judged
    union all
    select * from cases_judged
    union all
    select * from customers_judged
    union all
    select * from sends_judged
    union all
    select * from service_contacts_judged
    union all
    select * from leads_judged
    union all
    select * from web_contacts_judged

),

judged as (

    select
        source,
        sample_key,
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        cast(null as {{ type_string() }}) as platform,
        subject,
        detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        -- noqa: disable=LT02
        {%- for flag in flags %}
        {{ flag }}{{ "," if not loop.last }}
        {%- endfor %}
    from united
    -- noqa: enable=LT02

)

select * from judged
