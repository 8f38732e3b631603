{% set channels = ['web', 'app', 'email', 'ad', 'store', 'phone', 'chat', 'sms', 'mail'] %}
{% set last_scores = ['nps', 'ces', 'csat'] %}

with

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

components as (
    select * from {{ ref('int_identity_components') }}
),

edges as (
    select * from {{ ref('int_identity_edges') }}
),

records as (
    select * from {{ ref('int_identity_records_collected') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

contacts as (
    select * from {{ ref('int_crm_contacts_unioned') }}
),

personas as (
    select * from {{ ref('dim_customer_personas') }}
    where is_primary
),

touchpoints as (
    select * from {{ ref('fct_touchpoints') }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_counted and customer_id is not null
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
    where is_valid_score and customer_id is not null
),

cases as (
    select * from {{ ref('fct_service_cases') }}
    where not is_deleted and customer_id is not null
),

service_contacts as (
    select * from {{ ref('fct_service_contacts') }}
    where customer_id is not null
),

messages as (
    select * from {{ ref('fct_messages') }}
    where customer_id is not null
),

clock as (
    select * from {{ ref('int_journey_clock') }}
),

identities as (
    select
        customer_id,
        {%- for type in identifier_types() %}
        count(*) filter (where identifier_type = '{{ type }}') as {{ type }}_count,
        {%- endfor %}
        count(*) as identifier_count,
        bool_or(identifier_type not in ('phone_hash', 'client_id')) as is_known,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from resolved
    group by customer_id
),

linked_sources as (
    select
        records_resolved.customer_id,
        {{ distinct_values_text('records.source') }} as linked_sources,
        count(distinct records.source) as source_count
    from records
    inner join records_resolved
        on records.identity_record_key = records_resolved.identity_record_key
    group by records_resolved.customer_id
),

-- customers who were seen on something that others use as well
shared_things as (
    select
        identifier_key,
        identifier_type
    from components
    where skip_reason is not null
),

shared_links as (
    select
        edges.to_key as identifier_key,
        shared_things.identifier_type
    from edges
    inner join shared_things on edges.from_key = shared_things.identifier_key
    union
    select
        edges.from_key as identifier_key,
        shared_things.identifier_type
    from edges
    inner join shared_things on edges.to_key = shared_things.identifier_key
),

sharing as (
    select
        resolved.customer_id,
        bool_or(shared_links.identifier_type = 'client_id') as has_shared_device,
        bool_or(shared_links.identifier_type = 'phone_hash') as has_shared_phone
    from shared_links
    inner join resolved on shared_links.identifier_key = resolved.identifier_key
    group by resolved.customer_id
),

customer_contacts as (
    select
        resolved.customer_id,
        contacts.contact_id,
        contacts.lifecycle_stage,
        contacts.country,
        contacts.has_email_consent,
        contacts.has_sms_consent,
        contacts.is_email_valid,
        contacts.is_test_address,
        contacts.email_hash,
        coalesce(contacts.is_deleted, false) as is_deleted,
        contacts.updated_at,
        contacts.created_at
    from contacts
    inner join resolved
        on
            resolved.identifier_type = 'contact_id'
            and trim(contacts.contact_id) = resolved.identifier_value
),

-- the newest living contact speaks for its duplicates
crm as (
    select
        customer_id,
        max_by(
            {{ record({
                'lifecycle_stage': 'lifecycle_stage',
                'country': 'country',
            }) }},
            {{ sort_key(['not is_deleted', 'updated_at', 'contact_id']) }}
        ) as newest,
        min(created_at) as contact_created_at,
        bool_and(is_deleted) as is_deleted_in_crm,
        -- consent is what no duplicate contradicts
        bool_and(has_email_consent) filter (where not is_deleted) as has_email_consent,
        bool_and(has_sms_consent) filter (where not is_deleted) as has_sms_consent,
        bool_or(
            email_hash is not null
            and (not coalesce(is_email_valid, true) or coalesce(is_test_address, false))
        ) as has_invalid_email,
        count(*) filter (where not is_deleted) as living_contact_count
    from customer_contacts
    group by customer_id
),

unsubscribes as (
    select
        customer_id,
        max(occurred_at) as last_unsubscribed_at
    from messages
    where event_type in ('unsubscribe', 'complaint')
    group by customer_id
),

visits as (
    select
        customer_id,
        count(*) as session_count,
        max(started_at) as last_session_at,
        max_by(consent_analytics, {{ sort_key(['started_at', 'session_key']) }})
            as consent_analytics
    from sessions
    where customer_id is not null
    group by customer_id
),

encounters as (
    select
        customer_id,
        count(*) as touchpoint_count,
        count(*) filter (where is_digital) as digital_touchpoint_count,
        count(*) filter (where not is_digital) as physical_touchpoint_count,
        {%- for channel in channels %}
        count(*) filter (where channel = '{{ channel }}') as {{ channel }}_touchpoint_count,
        {%- endfor %}
        count(distinct channel) as channel_count,
        min(occurred_at) as first_touchpoint_at,
        max(occurred_at) as last_touchpoint_at,
        max_by(touchpoint_id, {{ sort_key(['occurred_at', 'touchpoint_key']) }})
            as last_touchpoint_id,
        max_by(channel, {{ sort_key(['occurred_at', 'touchpoint_key']) }}) as last_channel,
        max(occurred_at) filter (where journey_stage = 'consideration') as last_consideration_at,
        -- steps towards an order, not the order itself
        max(occurred_at) filter (where journey_stage = 'purchase' and source_kind = 'web_event')
            as last_purchase_step_at,
        max(occurred_at) filter (where journey_stage = 'use') as last_use_at,
        max(occurred_at) filter (where journey_stage = 'support') as last_support_at,
        max(occurred_at) filter (where journey_stage = 'loyalty') as last_loyalty_at
    from touchpoints
    where customer_id is not null
    group by customer_id
),

order_totals as (
    select
        orders.customer_id,
        count(*) as order_count,
        count(*) filter (where orders.channel = 'web') as web_order_count,
        count(*) filter (where orders.channel = 'app') as app_order_count,
        count(*) filter (where orders.channel = 'store') as store_order_count,
        count(*) filter (where orders.has_refund) as refunded_order_count,
        sum(orders.net_amount_eur) as revenue_net_eur,
        min(orders.ordered_at) as first_order_at,
        max(orders.ordered_at) as last_order_at,
        count(*) filter (
            where orders.ordered_at >= clock.now_at - interval '90 days'
        ) as recent_order_count
    from orders
    cross join clock
    group by orders.customer_id
),

{% for metric in last_scores -%}
last_{{ metric }} as (
    select
        customer_id,
        max_by(
            {{ record({
                'score': 'score',
                'scale_max': 'scale_max',
                'submitted_at': 'submitted_at',
            }) }},
            {{ sort_key(['submitted_at', 'survey_answer_key']) }}
        ) as answer
    from answers
    where metric_id = '{{ metric }}'
    group by customer_id
),

{% endfor -%}
case_totals as (
    select
        customer_id,
        count(*) as case_count,
        count(*) filter (where is_open) as open_case_count,
        max(created_at) as last_case_at
    from cases
    group by customer_id
),

contact_totals as (
    select
        customer_id,
        count(*) as service_contact_count,
        max(started_at) as last_service_contact_at
    from service_contacts
    group by customer_id
),

joined as (
    select
        identities.customer_id,
        identities.is_known,
        {%- for type in identifier_types() %}
        identities.{{ type }}_count,
        {%- endfor %}
        identities.identifier_count,
        coalesce(linked_sources.source_count, 0) as source_count,
        linked_sources.linked_sources,
        identities.first_seen_at,
        identities.last_seen_at,
        clock.now_at,
        crm.newest.lifecycle_stage as crm_lifecycle_stage,
        crm.newest.country as country,
        crm.contact_created_at,
        coalesce(crm.is_deleted_in_crm, false) as is_deleted_in_crm,
        personas.persona_id,
        coalesce(encounters.touchpoint_count, 0) as touchpoint_count,
        coalesce(encounters.digital_touchpoint_count, 0) as digital_touchpoint_count,
        coalesce(encounters.physical_touchpoint_count, 0) as physical_touchpoint_count,
        {%- for channel in channels %}
        coalesce(encounters.{{ channel }}_touchpoint_count, 0) as {{ channel }}_touchpoint_count,
        {%- endfor %}
        coalesce(encounters.channel_count, 0) as channel_count,
        encounters.first_touchpoint_at,
        encounters.last_touchpoint_at,
        encounters.last_touchpoint_id,
        encounters.last_channel,
        encounters.last_consideration_at,
        encounters.last_purchase_step_at,
        encounters.last_use_at,
        encounters.last_support_at,
        encounters.last_loyalty_at,
        coalesce(visits.session_count, 0) as session_count,
        visits.last_session_at,
        visits.consent_analytics,
        coalesce(order_totals.order_count, 0) as order_count,
        coalesce(order_totals.web_order_count, 0) as web_order_count,
        coalesce(order_totals.app_order_count, 0) as app_order_count,
        coalesce(order_totals.store_order_count, 0) as store_order_count,
        coalesce(order_totals.refunded_order_count, 0) as refunded_order_count,
        coalesce(order_totals.recent_order_count, 0) as recent_order_count,
        cast(coalesce(order_totals.revenue_net_eur, 0) as decimal(18, 2)) as revenue_net_eur,
        {{ amount_quotient(
            'order_totals.revenue_net_eur', 'nullif(order_totals.order_count, 0)'
        ) }} as average_order_value_eur,
        order_totals.first_order_at,
        order_totals.last_order_at,
        {%- for metric in last_scores %}
        last_{{ metric }}.answer.score as last_{{ metric }}_score,
        last_{{ metric }}.answer.scale_max as last_{{ metric }}_scale_max,
        last_{{ metric }}.answer.submitted_at as last_{{ metric }}_at,
        {%- endfor %}
        coalesce(case_totals.case_count, 0) as case_count,
        coalesce(case_totals.open_case_count, 0) as open_case_count,
        coalesce(contact_totals.service_contact_count, 0) as service_contact_count,
        greatest(
            coalesce(case_totals.last_case_at, contact_totals.last_service_contact_at),
            coalesce(contact_totals.last_service_contact_at, case_totals.last_case_at)
        ) as last_service_at,
        -- an unsubscription in the mail tool counts, whatever the CRM says
        case
            when unsubscribes.last_unsubscribed_at is not null then false
            else crm.has_email_consent
        end as has_email_consent,
        crm.has_sms_consent,
        coalesce(sharing.has_shared_device, false) as has_shared_device,
        coalesce(sharing.has_shared_phone, false) as has_shared_phone,
        coalesce(crm.living_contact_count, 0) > 1
        or identities.user_id_count > 1
        or identities.loyalty_id_count > 1 as has_conflicting_ids,
        coalesce(crm.has_invalid_email, false) as has_invalid_email,
        coalesce(order_totals.recent_order_count, 0) > {{ var('customer_plausible_orders') }}
            as has_implausible_order_count
    from identities
    cross join clock
    left join linked_sources on identities.customer_id = linked_sources.customer_id
    inner join personas on identities.customer_id = personas.customer_id
    left join crm on identities.customer_id = crm.customer_id
    left join unsubscribes on identities.customer_id = unsubscribes.customer_id
    left join visits on identities.customer_id = visits.customer_id
    left join encounters on identities.customer_id = encounters.customer_id
    left join order_totals on identities.customer_id = order_totals.customer_id
    {%- for metric in last_scores %}
    left join last_{{ metric }} on identities.customer_id = last_{{ metric }}.customer_id
    {%- endfor %}
    left join case_totals on identities.customer_id = case_totals.customer_id
    left join contact_totals on identities.customer_id = contact_totals.customer_id
    left join sharing on identities.customer_id = sharing.customer_id
),

final as (
    select
        customer_id,
        -- identity
        is_known,
        {%- for type in identifier_types() %}
        {{ type }}_count,
        {%- endfor %}
        identifier_count,
        source_count,
        linked_sources,
        first_seen_at,
        last_seen_at,
        -- lifecycle
        crm_lifecycle_stage,
        contact_created_at,
        is_deleted_in_crm,
        country,
        persona_id,
        case
            when not is_known then 'anonymous'
            when order_count = 0 then 'prospect'
            when first_order_at >= now_at - interval '{{ var("customer_new_days") }} days'
                then 'new'
            when last_order_at >= now_at - interval '{{ var("customer_active_days") }} days'
                then 'active'
            else 'lapsed'
        end as lifecycle_status,
        {{ customer_stage() }} as journey_stage,
        -- channels
        touchpoint_count,
        digital_touchpoint_count,
        physical_touchpoint_count,
        {%- for channel in channels %}
        {{ channel }}_touchpoint_count,
        {%- endfor %}
        channel_count,
        digital_touchpoint_count > 0 as has_used_digital,
        physical_touchpoint_count > 0 as has_used_physical,
        first_touchpoint_at,
        last_touchpoint_at,
        last_touchpoint_id,
        last_channel,
        session_count,
        last_session_at,
        -- orders and value
        order_count,
        web_order_count,
        app_order_count,
        store_order_count,
        refunded_order_count,
        revenue_net_eur,
        average_order_value_eur,
        first_order_at,
        last_order_at,
        -- scores
        {%- for metric in last_scores %}
        last_{{ metric }}_score,
        last_{{ metric }}_scale_max,
        last_{{ metric }}_at,
        {%- endfor %}
        -- service
        case_count,
        open_case_count,
        service_contact_count,
        last_service_at,
        -- consent
        has_email_consent,
        has_sms_consent,
        consent_analytics,
        -- quality
        has_shared_device,
        has_shared_phone,
        has_conflicting_ids,
        has_invalid_email,
        has_implausible_order_count
    from joined
)

select * from final
