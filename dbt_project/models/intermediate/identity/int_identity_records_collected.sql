{# Where identifiers meet: kind of record, model, the identifiers that it carries, the last time of
   a record where it is not its first, and which of its rows tell who somebody is. #}
{% set families = [
    {
        'kind': 'crm_contact',
        'model': 'int_crm_contacts_unioned',
        'present': ['contact_id', 'user_id', 'loyalty_id', 'email_hash', 'phone_hash', 'client_id'],
        'last': 'coalesce(updated_at, created_at)',
    },
    {
        'kind': 'crm_deal',
        'model': 'int_crm_deals_unioned',
        'present': ['contact_id'],
        'last': 'coalesce(closed_at, created_at)',
    },
    {
        'kind': 'survey_invitation',
        'model': 'int_survey_invitations_unioned',
        'present': ['contact_id', 'email_hash', 'phone_hash'],
    },
    {
        'kind': 'survey_response',
        'model': 'int_survey_responses_unioned',
        'present': ['contact_id', 'user_id', 'loyalty_id', 'email_hash', 'phone_hash', 'client_id'],
    },
    {
        'kind': 'service_case',
        'model': 'int_service_cases_unioned',
        'present': ['contact_id', 'email_hash', 'phone_hash'],
    },
    {
        'kind': 'service_contact',
        'model': 'int_service_contacts_unioned',
        'present': ['loyalty_id', 'email_hash', 'phone_hash', 'client_id'],
    },
    {
        'kind': 'order',
        'model': 'int_orders_unioned',
        'present': identifier_types(),
        'where': 'not coalesce(is_test, false)',
    },
    {
        'kind': 'cart',
        'model': 'int_carts_unioned',
        'present': ['customer_ref', 'email_hash', 'phone_hash', 'client_id'],
    },
    {
        'kind': 'contract',
        'model': 'int_contracts_unioned',
        'present': [
            'contact_id', 'user_id', 'loyalty_id', 'customer_ref', 'email_hash', 'phone_hash',
        ],
        'last': 'started_at',
    },
    {
        'kind': 'message',
        'model': 'int_messages_unioned',
        'present': ['contact_id', 'email_hash', 'phone_hash'],
    },
] %}

with

{% for family in families %}
{{ family.kind }}_records as (
    select
        {{ identity_record_key(family.kind, family.present) }} as identity_record_key,
        source,
        '{{ family.kind }}' as record_kind,
        {%- for type in identifier_types() %}
        {{ type if type in family.present else 'cast(null as string) as ' ~ type }},
        {%- endfor %}
        min({{ identity_record_time(family.kind) }}) as first_seen_at,
        max({{ family.last or identity_record_time(family.kind) }}) as last_seen_at,
        count(*) as record_count
    from {{ ref(family.model) }}
    where
        coalesce({{ family.present | join(', ') }}) is not null
        {%- if family.where %}
        and {{ family.where }}
        {%- endif %}
    group by
        source,
        {{ (
            family.present
            + ([identity_record_month(family.kind)] if 'phone_hash' in family.present else [])
        ) | join(', ') }}
),

{% endfor %}
-- Every browser has a record of its own beside those of its logins: a visit without a login, or
-- with a blocked one, is found by it.
web_pairs as (
    select
        source,
        user_id,
        client_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(*) as record_count
    from {{ ref('int_web_events_unioned') }}
    where
        coalesce(user_id, client_id) is not null
        -- without consent nobody is recognised, also where a tag sent an id all the same
        and coalesce(consent_analytics, 'unset') <> 'denied'
    group by source, user_id, client_id
),

web_visitors as (
    select
        source,
        user_id,
        client_id,
        first_seen_at,
        last_seen_at,
        record_count
    from web_pairs
    where user_id is not null
    union all
    select
        source,
        cast(null as string) as user_id,
        client_id,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(case when user_id is null then record_count else 0 end) as record_count
    from web_pairs
    where client_id is not null
    group by source, client_id
),

web_event_records as (
    select
        {{ identity_record_key('web_event', ['user_id', 'client_id']) }} as identity_record_key,
        source,
        'web_event' as record_kind,
        user_id,
        client_id,
        first_seen_at,
        last_seen_at,
        record_count
    from web_visitors
),

-- a merge names two contacts; the edge between them is made in int_identity_edges
merged_contacts as (
    select
        source,
        surviving_contact_id as contact_id,
        merged_at
    from {{ ref('int_crm_merges_unioned') }}
    where surviving_contact_id is not null
    union all
    select
        source,
        merged_contact_id as contact_id,
        merged_at
    from {{ ref('int_crm_merges_unioned') }}
    where merged_contact_id is not null
),

crm_merge_records as (
    select
        {{ identity_record_key('crm_merge', ['contact_id']) }} as identity_record_key,
        source,
        'crm_merge' as record_kind,
        contact_id,
        min(merged_at) as first_seen_at,
        max(merged_at) as last_seen_at,
        count(*) as record_count
    from merged_contacts
    group by source, contact_id
),

-- the order that a purchase event names ties the browser to the buyer, also where the shop itself
-- keeps no trace of the browser
purchase_events as (
    select
        transaction_id,
        min(client_id) as client_id,
        min(user_id) as user_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(*) as record_count
    from {{ ref('int_web_events_unioned') }}
    where
        event_name = 'purchase'
        and transaction_id is not null
        and coalesce(consent_analytics, 'unset') <> 'denied'
    group by transaction_id
    -- an id that several browsers sent is a placeholder or a shared link, not an order
    having count(distinct client_id) = 1
),

named_orders as (
    select
        transaction_ref,
        min(source) as source,
        min(customer_ref) as customer_ref,
        min(email_hash) as email_hash
    from {{ ref('int_orders_unioned') }}
    where
        transaction_ref is not null
        and not coalesce(is_test, false)
    group by transaction_ref
    having count(*) = 1
),

tracked_orders as (
    select
        named_orders.source,
        named_orders.customer_ref,
        named_orders.email_hash,
        purchase_events.client_id,
        purchase_events.user_id,
        purchase_events.first_seen_at,
        purchase_events.last_seen_at,
        purchase_events.record_count
    from purchase_events
    inner join named_orders on purchase_events.transaction_id = named_orders.transaction_ref
),

tracked_order_records as (
    select
        {{ identity_record_key(
            'tracked_order', ['user_id', 'customer_ref', 'email_hash', 'client_id']
        ) }} as identity_record_key,
        source,
        'tracked_order' as record_kind,
        user_id,
        customer_ref,
        email_hash,
        client_id,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(record_count) as record_count
    from tracked_orders
    group by source, user_id, customer_ref, email_hash, client_id
),

unioned as (
    {%- for family in families %}
    select
        identity_record_key,
        source,
        record_kind,
        {{ identifier_types() | join(', ') }},
        first_seen_at,
        last_seen_at,
        record_count
    from {{ family.kind }}_records
    union all
    {%- endfor %}
    select
        identity_record_key,
        source,
        record_kind,
        contact_id,
        null as user_id,
        null as loyalty_id,
        null as customer_ref,
        null as email_hash,
        null as phone_hash,
        null as client_id,
        first_seen_at,
        last_seen_at,
        record_count
    from crm_merge_records
    union all
    select
        identity_record_key,
        source,
        record_kind,
        null as contact_id,
        user_id,
        null as loyalty_id,
        null as customer_ref,
        null as email_hash,
        null as phone_hash,
        client_id,
        first_seen_at,
        last_seen_at,
        record_count
    from web_event_records
    union all
    select
        identity_record_key,
        source,
        record_kind,
        null as contact_id,
        user_id,
        null as loyalty_id,
        customer_ref,
        email_hash,
        null as phone_hash,
        client_id,
        first_seen_at,
        last_seen_at,
        record_count
    from tracked_order_records
),

final as (
    select
        identity_record_key,
        source,
        record_kind,
        {%- for type in identifier_types() %}
        {{ identifier_value(type) }} as {{ type }},
        {%- endfor %}
        {% for type in identifier_types() -%}
        {{ '+ ' if not loop.first }}case when {{ identifier_value(type) }} is null then 0 else 1 end
        {% endfor %} as identifier_count,
        first_seen_at,
        last_seen_at,
        cast(record_count as bigint) as record_count
    from unioned
)

select * from final
where identifier_count > 0
