{%- set null_spellings = "('', '0', 'null', 'undefined', 'none', 'nan', 'unknown', '(not set)'"
    ~ ", '[object object]')" -%}
-- depends_on: {{ ref('int_touched_web_days') }}
{#- Every rule looks at one event or at events of the same vendor's day, so that days do not depend
    on each other and those that are done need not be read again. -#}
{%- set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days')
    if audit_days_are_kept(audit_keepers('int_audit_web_events')) else 'true' %}
{#- Read at each use: what a CTE that is read twice holds is kept, and these are all events with all
    that rules look at. -#}
{%- set landed -%}
(select * from {{ ref('int_web_events_landed') }} where {{ on_touched_days }})
{%- endset %}
with

streams as (

    select * from {{ source('plan', 'streams') }}

),

planned_events as (

    select * from {{ source('plan', 'events') }}

),

internal_rules as (

    select * from {{ source('plan', 'internal_rules') }}

),

own_hosts as (

    select * from {{ source('plan', 'hosts') }}
    where kind = 'own'

),

-- Staging marks what the vendor's own marks say; whether that is to be kept out the plan says.
internal_days as (

    select distinct days.event_date
    from (select distinct event_date from {{ landed }} as events) as days
    inner join internal_rules
        on {{ plan_holds('internal_rules', 'days.event_date') }}

),

-- A daily table that is there when the intraday one is read makes the intraday rows a second copy.
daily_tables as (

    select
        source,
        partition_date,
        min(loaded_at) as daily_loaded_at
    from {{ landed }} as events
    where not is_intraday
    group by source, partition_date

),

page_views as (

    select
        web_event_key,
        source,
        partition_date,
        client_id,
        session_ref,
        page_host,
        page_path,
        occurred_at
    from {{ landed }} as events
    where
        event_name = 'page_view'
        and client_id is not null
        and page_path is not null
        and not is_duplicate
        and not is_superseded

),

-- Pages that a visit saw once on a day repeat nothing; of the others few come within a second. To
-- find those few, neither must all page views be ordered nor be joined with all events.
pages_seen_again as (

    select
        source,
        partition_date,
        client_id,
        session_ref,
        page_host,
        page_path
    from page_views
    group by source, partition_date, client_id, session_ref, page_host, page_path
    having count(*) > 1

),

page_views_compared as (

    select
        page_views.web_event_key,
        {{ seconds_between(
            'lag(page_views.occurred_at) over (partition by page_views.source,'
            ~ ' page_views.partition_date, page_views.client_id, page_views.session_ref,'
            ~ ' page_views.page_host, page_views.page_path'
            ~ ' order by page_views.occurred_at, page_views.web_event_key)',
            'page_views.occurred_at'
        ) }} as seconds_since_same_page
    from page_views
    inner join pages_seen_again
        on
            page_views.source = pages_seen_again.source
            and page_views.partition_date = pages_seen_again.partition_date
            and page_views.client_id = pages_seen_again.client_id
            and page_views.session_ref is not distinct from pages_seen_again.session_ref
            and page_views.page_host is not distinct from pages_seen_again.page_host
            and page_views.page_path = pages_seen_again.page_path

),

page_views_repeated as (

    select web_event_key from page_views_compared
    where seconds_since_same_page <= 1

),

joined as (

    select
        events.*,
        daily_tables.daily_loaded_at,
        page_views_repeated.web_event_key is not null as is_repeated_view,
        streams.stream_id is not null as is_planned_stream,
        coalesce(planned_events.needs_items, events.event_name = 'purchase') as needs_items,
        own_hosts.host is not null as is_own_host,
        internal_days.event_date is not null as is_kept_out,
        not events.is_duplicate and not events.is_superseded as is_counted
    from {{ landed }} as events
    left join daily_tables
        on
            events.source = daily_tables.source
            and events.partition_date = daily_tables.partition_date
    left join page_views_repeated
        on events.web_event_key = page_views_repeated.web_event_key
    left join streams
        on
            events.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'events.event_date') }}
    left join planned_events
        on
            events.event_name = planned_events.event_name
            and events.platform = planned_events.platform
            and {{ plan_holds('planned_events', 'events.event_date') }}
    left join own_hosts
        on
            lower(events.page_host) = own_hosts.host
            and {{ plan_holds('own_hosts', 'events.event_date') }}
    left join internal_days
        on events.event_date = internal_days.event_date

),

judged as (

    select
        source,
        web_event_key as sample_key,
        occurred_at,
        partition_date,
        event_date,
        platform,
        event_name as subject,
        cast(null as {{ type_string() }}) as detail,
        page_host,
        page_path,
        device_category,
        browser,
        app_version,
        coalesce(
            is_intraday and daily_loaded_at is not null and daily_loaded_at <= loaded_at, false
        ) as col02,
        case when not is_superseded then is_duplicate end as col03,
        case
            when is_counted and event_name = 'page_view' and client_id is not null
                then is_repeated_view
        end as col04,
        case
            when is_counted and is_planned_stream and page_host is not null then not is_own_host
        end as col05,
        case when is_counted and is_kept_out then is_internal end as col06,
        case
            when is_counted and client_id is not null and consent_analytics <> 'denied'
                then session_ref is null
        end as ses01,
        case
            when is_counted and session_ref is not null then session_ref_type = 'string'
        end as ses02,
        -- Under refused consent no id may be sent.
        case
            when is_counted and event_name = 'login' and consent_analytics <> 'denied'
                then user_id is null
        end as ses05,
        case
            when is_counted and user_id is not null
                then lower(trim(user_id)) in {{ null_spellings }} or user_id like 'redacted:%'
        end as ses06,
        case
            when is_counted and transaction_id is not null
                then lower(trim(transaction_id)) in {{ null_spellings }}
        end as sch09,
        case
            when is_counted and event_name = 'purchase'
                then
                    transaction_id is null or lower(trim(transaction_id)) in {{ null_spellings }}
        end as gol03,
        case
            when is_counted and event_name in ('purchase', 'refund')
                then
                    event_value is null
                    or event_value <= 0
                    or currency is null
                    or not {{ regex_matches('currency', "'^[A-Z]{3}$'") }}
        end as gol04,
        case
            when is_counted and needs_items and (is_planned_stream or event_name = 'purchase')
                then
                    coalesce(item_count, 0) = 0
                    or items_missing_id_count > 0
                    or items_missing_price_count > 0
        end as gol05,
        -- Shops differ in what the value contains; only a sum that no reading explains fails.
        case
            when
                is_counted and event_name = 'purchase' and event_value > 0 and items_amount > 0
                and items_missing_price_count = 0
                then
                    not (
                        abs(event_value - items_amount) <= 0.01 * items_amount + 0.01
                        or abs(event_value - items_amount - coalesce(shipping_amount, 0))
                        <= 0.01 * items_amount + 0.01
                        or abs(event_value - items_amount - coalesce(tax_amount, 0))
                        <= 0.01 * items_amount + 0.01
                        or abs(
                            event_value - items_amount - coalesce(tax_amount, 0)
                            - coalesce(shipping_amount, 0)
                        ) <= 0.01 * items_amount + 0.01
                        or abs(event_value - items_amount + coalesce(tax_amount, 0))
                        <= 0.01 * items_amount + 0.01
                        or (coupon is not null and event_value < items_amount * 1.01)
                    )
        end as gol06,
        case when is_counted then has_personal_data end as pri01,
        case when is_counted then consent_analytics = 'unset' end as pri02,
        case
            when is_counted and consent_analytics = 'denied' then client_id is not null
        end as pri03,
        case when is_counted then partition_date <> event_date end as vol05,
        case
            when is_counted and server_offset_seconds is not null
                then abs(server_offset_seconds) > 3600
        end as vol06
    from joined

)

select * from judged
