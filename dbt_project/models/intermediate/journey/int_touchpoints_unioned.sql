{# A view: fct_touchpoints is its one reader, and encounters are too many to be kept twice. Once
   that stands, the view gives only what this run must compute. #}
{{ config(materialized='view') }}
{%- set is_increment = target.type == 'duckdb' and relation_built_before('fct_touchpoints') %}
-- depends_on: {{ ref('int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_identity_records') }}

{#- Read where they are used: as a CTE of two readers, every event would be kept in memory. Those
    that an increment must read are few, and found once. -#}
{%- set events = 'touched_events' if is_increment else ref('int_web_events_unioned') %}

with

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

rules as (
    select * from {{ ref('touchpoint_rules') }}
),

-- Web events are matched by their distinct pages: a shop has thousands of pages and millions of
-- events, so that the patterns are compared thousands of times.
web_rules as (
    select * from rules
    where source_kind = 'web_event'
),

{% if is_increment -%}
touched_events {{ as_kept() }} (
    select
        web_event_key,
        source,
        platform,
        event_name,
        occurred_at,
        partition_date,
        client_id,
        session_ref,
        user_id,
        consent_analytics,
        page_path
    from {{ ref('int_web_events_unioned') }}
    where
        event_name in (select event_name from web_rules)
        and (
            ({{ is_of_touched_session() }})
            or (
                (client_id is null or session_ref is null)
                and (source, partition_date) in (
                    select (source, partition_date) from {{ ref('int_touched_web_days') }}
                )
            )
            or (source, client_id) in (
                select (source, client_id) from {{ ref('int_touched_identity_records') }}
                where record_kind = 'web_event' and client_id is not null
            )
            or (client_id is null and (source, user_id) in (
                select (source, user_id) from {{ ref('int_touched_identity_records') }}
                where record_kind = 'web_event' and user_id is not null
            ))
        )
),

{% endif -%}
{{ blocked_users_of(events) }}

pages as (
    select
        event_name,
        platform,
        coalesce(page_path, '') as page_path
    from {{ events }}
    where event_name in (select event_name from web_rules)
    group by event_name, platform, coalesce(page_path, '')
),

matched_pages as (
    select
        pages.event_name,
        pages.platform,
        pages.page_path,
        min_by(web_rules.touchpoint_id, {{ sort_key(['web_rules.priority', 'web_rules.rule_id']) }})
            as touchpoint_id
    from pages
    inner join web_rules
        on
            pages.event_name = web_rules.event_name
            and (web_rules.page_pattern is null or pages.page_path like web_rules.page_pattern)
            and (web_rules.source_channel is null or pages.platform = web_rules.source_channel)
    group by pages.event_name, pages.platform, pages.page_path
),

matched_events as (
    select
        events.web_event_key as record_key,
        events.source,
        events.platform as source_channel,
        matched_pages.touchpoint_id,
        events.occurred_at,
        events.partition_date,
        events.client_id,
        case when blocked_users.user_id is null then events.user_id end as user_id,
        coalesce(events.consent_analytics, 'unset') = 'denied' as is_consent_denied,
        case
            when events.client_id is not null and events.session_ref is not null
                then {{ surrogate_key([
                    'events.source', "'session'", 'events.client_id', 'events.session_ref'
                ]) }}
        end as session_key
    from {{ events }} as events
    inner join matched_pages
        on
            events.event_name = matched_pages.event_name
            and events.platform = matched_pages.platform
            and coalesce(events.page_path, '') = matched_pages.page_path
    left join blocked_users on events.user_id = blocked_users.user_id
),

-- who was logged in at the event, else who logged in during the visit, else the browser
web_encounters as (
    select
        'web_event' as source_kind,
        matched_events.record_key,
        matched_events.source,
        matched_events.source_channel,
        matched_events.touchpoint_id,
        matched_events.occurred_at,
        matched_events.partition_date,
        case
            when not matched_events.is_consent_denied
                then {{ identity_record_key(
                    'web_event',
                    {
                        'user_id': 'coalesce(matched_events.user_id, sessions.user_id)',
                        'client_id': 'matched_events.client_id',
                    },
                    'matched_events.source'
                ) }}
        end as identity_record_key,
        matched_events.session_key,
        cast(null as decimal(18, 2)) as value_eur
    from matched_events
    left join sessions on matched_events.session_key = sessions.session_key
),

-- a paid visit began with a click on an advertisement
ad_records as (
    select
        'ad' as source_kind,
        session_key as record_key,
        source,
        platform as source_channel,
        cast(null as string) as event_name,
        started_at as occurred_at,
        case
            when not is_consent_denied
                then {{ identity_record_key('web_event', ['user_id', 'client_id']) }}
        end as identity_record_key,
        session_key,
        cast(null as decimal(18, 2)) as value_eur
    from sessions
    where channel_group like 'Paid %' or channel_group in ('Display', 'Cross-network')
),

order_records as (
    select
        'order' as source_kind,
        order_key as record_key,
        source,
        channel as source_channel,
        cast(null as string) as event_name,
        ordered_at as occurred_at,
        identity_record_key,
        cast(null as string) as session_key,
        net_amount_eur as value_eur
    from {{ ref('int_orders_valued') }}
    where not is_test
),

message_records as (
    select
        'message' as source_kind,
        message_event_key as record_key,
        source,
        channel as source_channel,
        event_type as event_name,
        occurred_at,
        {{ identity_record_key('message', ['contact_id', 'email_hash', 'phone_hash']) }}
            as identity_record_key,
        cast(null as string) as session_key,
        cast(null as decimal(18, 2)) as value_eur
    from {{ ref('int_messages_unioned') }}
    where event_type in (
        select event_name from rules
        where source_kind = 'message'
    )
),

service_contact_records as (
    select
        'service_contact' as source_kind,
        service_contact_key as record_key,
        source,
        channel as source_channel,
        direction as event_name,
        started_at as occurred_at,
        identity_record_key,
        cast(null as string) as session_key,
        cast(null as decimal(18, 2)) as value_eur
    from {{ ref('int_service_contacts_identified') }}
),

service_case_records as (
    select
        'service_case' as source_kind,
        service_case_key as record_key,
        source,
        channel as source_channel,
        cast(null as string) as event_name,
        created_at as occurred_at,
        {{ identity_record_key('service_case', ['contact_id', 'email_hash', 'phone_hash']) }}
            as identity_record_key,
        cast(null as string) as session_key,
        cast(null as decimal(18, 2)) as value_eur
    from {{ ref('int_service_cases_unioned') }}
),

survey_records as (
    select
        'survey' as source_kind,
        survey_response_key as record_key,
        source,
        channel as source_channel,
        survey_id as event_name,
        submitted_at as occurred_at,
        identity_record_key,
        cast(null as string) as session_key,
        cast(null as decimal(18, 2)) as value_eur
    from {{ ref('int_survey_responses_identified') }}
),

records as (
    select * from ad_records
    union all
    select * from order_records
    union all
    select * from message_records
    union all
    select * from service_contact_records
    union all
    select * from service_case_records
    union all
    select * from survey_records
),

kinds as (
    select
        source_kind,
        source_channel,
        event_name
    from records
    group by source_kind, source_channel, event_name
),

matched_kinds as (
    select
        kinds.source_kind,
        kinds.source_channel,
        kinds.event_name,
        min_by(rules.touchpoint_id, {{ sort_key(['rules.priority', 'rules.rule_id']) }})
            as touchpoint_id
    from kinds
    inner join rules
        on
            kinds.source_kind = rules.source_kind
            and (rules.event_name is null or kinds.event_name = rules.event_name)
            and (rules.source_channel is null or kinds.source_channel = rules.source_channel)
    group by kinds.source_kind, kinds.source_channel, kinds.event_name
),

record_encounters as (
    select
        records.source_kind,
        records.record_key,
        records.source,
        records.source_channel,
        matched_kinds.touchpoint_id,
        records.occurred_at,
        cast(null as date) as partition_date,
        records.identity_record_key,
        records.session_key,
        records.value_eur
    from records
    inner join matched_kinds
        on
            records.source_kind = matched_kinds.source_kind
            and coalesce(records.source_channel, '') = coalesce(matched_kinds.source_channel, '')
            and coalesce(records.event_name, '') = coalesce(matched_kinds.event_name, '')
),

encounters as (
    select * from web_encounters
    union all
    select * from record_encounters
),

final as (
    select
        {{ surrogate_key(["'touchpoint'", 'source_kind', 'record_key']) }} as touchpoint_key,
        source,
        source_kind,
        record_key,
        touchpoint_id,
        source_channel,
        occurred_at,
        partition_date,
        identity_record_key,
        session_key,
        value_eur
    from encounters
)

select * from final
