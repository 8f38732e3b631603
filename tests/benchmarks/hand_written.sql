-- What one would write by hand with DuckDB alone, from the same vendor files to the same marts, as
-- the measure of what the warehouse costs on top. It publishes as the warehouse does: the marts in
-- a database of their own and as Parquet. It yields, beside the steps in between,
--
--   fct_sessions            fct_touchpoints       mart_journey_metrics    mart_journey_leavers
--   fct_orders              fct_stage_transitions mart_journey_funnels    mart_journey_links
--   dim_customers           mart_customer_timeline                        mart_journey_sequences
--
-- with all their columns but
--
--   keys that come from the warehouse's own names: of identifiers, of rows as they were landed, of
--   customers (who are numbered here) and their stage transitions;
--   what none of these vendors brings: costs, carts, stores, loyalty numbers, telephones, text
--   messages, comments, benchmarks, baselines, service contacts, devices and addresses that are
--   in doubt;
--   of the metrics the suppression of small cells (all figures are here) and the grade of trust.
--
-- What the warehouse does and this does not: the marts that are not named here; keep a raw zone,
-- quarantine, ledger and history of customer ids; judge tracking; guard identity against shared
-- devices, blocked values and groups that are too large; hash e-mail addresses; hide personal data
-- in page addresses; read other vendors; go on from what stands when a day comes. A test compares
-- every column that is here with the warehouse's, row for row.
--
-- Variables: `exports`, the folder of the vendor files; `rules`, that of the reference tables;
-- `published`, that of the marts.

-- @ reference
create or replace macro local_date(moment) as
cast(timezone('Europe/Helsinki', timezone('UTC', moment)) as date);

create or replace macro seconds_between(from_at, to_at) as
(epoch_us(to_at) - epoch_us(from_at)) / 1000000.0::double;

create or replace macro session_key(client_id, session_ref) as
md5('ga4|session|' || client_id || '|' || session_ref);

create or replace table channels as
from read_csv(getvariable('rules') || '/channels.csv', header = true);

create or replace table stages as
from read_csv(getvariable('rules') || '/journey_stages.csv', header = true);

create or replace table places as
from read_csv(getvariable('rules') || '/touchpoints.csv', header = true);

-- The marts have a file of their own, in which nothing else is.
attach getvariable('published') || '/marts.duckdb' as marts;

-- @ events
set variable event_files = (
    select list(file order by file)
    from (
        -- a day that was exported again replaces its first export
        select max_by(file, contains(file, '/exported_again/')) as file
        from glob(getvariable('exports') || '/ga4/**/events_*.parquet')
        group by parse_filename(file)
    )
);

create or replace table web_events as
with delivered as (
    select
        *,
        list_transform(event_params, lambda x: x.key) as keys,
        list_transform(
            event_params, lambda x: coalesce(x.value.string_value, x.value.int_value::varchar)
        ) as texts
    from read_parquet(getvariable('event_files'))
),

flat as (
    select
        event_name,
        make_timestamp(event_timestamp) as occurred_at,
        user_pseudo_id as client_id,
        texts[list_position(keys, 'ga_session_id')] as session_ref,
        texts[list_position(keys, 'ga_session_number')]::bigint as session_number,
        stream_id,
        lower(platform) as platform,
        case privacy_info.analytics_storage
            when 'Yes' then 'granted'
            when 'No' then 'denied'
            else 'unset'
        end as consent_analytics,
        user_id,
        event_date,
        hash(event_params) as params_digest,
        nullif(lower(regexp_extract(
            texts[list_position(keys, 'page_location')], '^[a-zA-Z]+://([^/?#:@]+)', 1
        )), '') as page_host,
        nullif(regexp_extract(
            texts[list_position(keys, 'page_location')], '^([a-zA-Z]+://[^/?#]*)?(/[^?#]*)', 2
        ), '') as page_path,
        nullif(lower(regexp_extract(
            texts[list_position(keys, 'page_referrer')], '^[a-zA-Z]+://([^/?#:@]+)', 1
        )), '') as referrer_host,
        texts[list_position(keys, 'session_engaged')] = '1' as is_session_engaged,
        texts[list_position(keys, 'engagement_time_msec')]::double / 1000 as engagement_seconds,
        coalesce(
            collected_traffic_source.manual_source, texts[list_position(keys, 'source')]
        ) as traffic_source,
        coalesce(
            collected_traffic_source.manual_medium, texts[list_position(keys, 'medium')]
        ) as traffic_medium,
        coalesce(
            collected_traffic_source.manual_campaign_name, texts[list_position(keys, 'campaign')]
        ) as traffic_campaign,
        case
            when collected_traffic_source.gclid is not null
                or contains(texts[list_position(keys, 'page_location')], 'gclid=') then 'gclid'
        end as click_id_type,
        lower(device.category) as device_category,
        device.operating_system as operating_system,
        device.web_info.browser as browser,
        geo.country as country,
        device.language as language,
        app_info.version as app_version,
        coalesce(texts[list_position(keys, 'traffic_type')] = 'internal', false) as is_internal,
        coalesce(
            texts[list_position(keys, 'transaction_id')], ecommerce.transaction_id
        ) as transaction_id,
        texts[list_position(keys, 'error_code')] as error_code
    from delivered
)

select * exclude (event_date, params_digest), strptime(event_date, '%Y%m%d')::date as partition_date
from flat
qualify row_number() over (
    partition by event_date, client_id, event_name, occurred_at, params_digest
) = 1;

-- @ sessions
create or replace table sessions as
with built as (
    select
        client_id,
        session_ref,
        min(session_number) as session_number,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        max_by(consent_analytics, occurred_at) as consent_analytics,
        bool_or(is_internal) as is_internal,
        count(*) as event_count,
        count(*) filter (where event_name = 'page_view') as page_view_count,
        count(*) filter (where event_name = 'view_search_results') as search_count,
        count(*) filter (where error_code is not null) as error_count,
        min_by(error_code, occurred_at) filter (where error_code is not null) as first_error_code,
        sum(engagement_seconds) as engagement_seconds,
        bool_or(is_session_engaged) as is_called_engaged,
        min_by(user_id, occurred_at) filter (where user_id is not null) as user_id,
        count(distinct user_id) as user_count,
        min_by(
            {'host': page_host, 'path': page_path, 'referrer': referrer_host}, occurred_at
        ) filter (where page_path is not null) as landing,
        max_by(page_path, occurred_at) filter (where event_name = 'page_view') as exit_page_path,
        min_by(
            {
                'source': lower(traffic_source),
                'medium': lower(traffic_medium),
                'campaign': traffic_campaign,
                'click': click_id_type
            },
            occurred_at
        ) filter (where traffic_source is not null or click_id_type is not null) as tagged,
        min_by(
            {
                'device': device_category,
                'system': operating_system,
                'browser': browser,
                'country': country,
                'language': language,
                'stream': stream_id,
                'platform': platform,
                'app_version': app_version
            },
            occurred_at
        ) as entry,
        min(occurred_at) filter (where event_name = 'view_item') as item_viewed_at,
        min(occurred_at) filter (where event_name = 'add_to_cart') as cart_added_at,
        min(occurred_at) filter (where event_name = 'begin_checkout') as checkout_begun_at,
        min(occurred_at) filter (where event_name = 'add_shipping_info') as shipping_added_at,
        min(occurred_at) filter (where event_name = 'add_payment_info') as payment_added_at,
        min(occurred_at) filter (where event_name = 'purchase') as purchased_at,
        min_by(transaction_id, occurred_at) filter (where event_name = 'purchase')
            as transaction_id,
        bool_or(event_name = 'login') as has_login,
        bool_or(event_name = 'sign_up') as has_sign_up,
        bool_or(event_name = 'generate_lead') as has_lead,
        bool_or(event_name = 'loyalty_signup') as has_loyalty_signup,
        bool_or(event_name = 'app_download_click') as has_app_download
    from web_events
    where client_id is not null and session_ref is not null
    group by client_id, session_ref
),

sourced as (
    select
        *,
        landing.referrer is null or landing.referrer = landing.host as is_direct,
        tagged.click = 'gclid' and coalesce(tagged.medium, 'organic') in ('organic', 'referral')
            as is_google_ad
    from built
),

named as (
    select
        *,
        case
            when is_google_ad then 'google'
            when tagged.source is not null then tagged.source
            when is_direct then '(direct)'
            else landing.referrer
        end as traffic_source,
        case
            when is_google_ad then 'cpc'
            when tagged.source is not null then coalesce(tagged.medium, '(none)')
            when is_direct then '(none)'
            else 'referral'
        end as traffic_medium
    from sourced
)

select
    client_id,
    session_ref,
    session_key(client_id, session_ref) as session_key,
    session_number,
    entry.stream as stream_id,
    entry.platform as platform,
    started_at,
    ended_at,
    local_date(started_at) as session_date,
    seconds_between(started_at, ended_at) as duration_seconds,
    engagement_seconds,
    coalesce(is_called_engaged, false)
    or coalesce(engagement_seconds, 0) >= 10
    or page_view_count >= 2
    or purchased_at is not null as is_engaged,
    user_id,
    user_count,
    consent_analytics,
    is_internal,
    event_count,
    page_view_count,
    search_count,
    error_count,
    first_error_code,
    traffic_source,
    traffic_medium,
    tagged.campaign as traffic_campaign,
    -- GA4's default groups, as far as these vendors' traffic goes
    case
        when traffic_source = '(direct)' then 'Direct'
        when regexp_matches(traffic_medium, 'cp|ppc|^paid') then case
            when regexp_matches(traffic_source, 'google|bing|yahoo|duckduckgo') then 'Paid Search'
            when regexp_matches(traffic_source, 'facebook|instagram|tiktok|linkedin')
                then 'Paid Social'
            else 'Paid Other'
        end
        when regexp_matches(traffic_source, 'facebook|instagram|tiktok|linkedin')
            then 'Organic Social'
        when traffic_medium = 'organic'
            or regexp_matches(traffic_source, 'google|bing|yahoo|duckduckgo') then 'Organic Search'
        when traffic_medium in ('email', 'newsletter') or traffic_source = 'newsletter' then 'Email'
        when traffic_medium = 'referral' then 'Referral'
        else 'Unassigned'
    end as channel_group,
    tagged.click as click_id_type,
    landing.path as landing_page_path,
    exit_page_path,
    entry.device as device_category,
    entry.system as operating_system,
    entry.browser as browser,
    entry.app_version as app_version,
    entry.country as country,
    entry.language as language,
    item_viewed_at,
    cart_added_at,
    checkout_begun_at,
    shipping_added_at,
    payment_added_at,
    purchased_at,
    purchased_at is not null as has_purchase,
    transaction_id,
    has_login,
    has_sign_up,
    has_lead,
    has_loyalty_signup,
    has_app_download
from named;

-- @ records
create or replace table order_rows as
select
    id::varchar as order_id,
    name as order_name,
    replace(name, '#', '') as transaction_ref,
    source_name as channel,
    created_at::timestamp as ordered_at,
    currency,
    subtotal_price::decimal(18, 2) as goods_amount,
    total_tax::decimal(18, 2) as tax_amount,
    list_sum(list_transform(shipping_lines, lambda line: line.price::decimal(18, 2)))
        as shipping_charged,
    total_discounts::decimal(18, 2) as discount_amount,
    total_price::decimal(18, 2) as total_amount,
    coalesce(list_sum(list_transform(
        refunds,
        lambda refund: list_sum(list_transform(refund.transactions, lambda t: t.amount::double))
    )), 0)::decimal(18, 2) as refund_amount,
    list_min(list_transform(refunds, lambda refund: refund.processed_at))::timestamp
        as first_refunded_at,
    payment_gateway_names[1] as payment_method,
    case when cancelled_at is not null then 'cancelled' else financial_status end as status,
    test as is_test,
    len(line_items) as line_count,
    list_sum(list_transform(line_items, lambda line: line.quantity))::double as unit_count,
    email,
    customer.id::varchar as customer_ref,
    list_filter(note_attributes, lambda a: a.name = 'ga_client_id')[1].value as client_id,
    list_filter(note_attributes, lambda a: a.name = 'user_id')[1].value as user_id
from read_json(
    getvariable('exports') || '/shopify/orders_*.jsonl',
    format = 'newline_delimited',
    columns = {
        'id': 'bigint', 'name': 'varchar', 'email': 'varchar', 'created_at': 'varchar',
        'updated_at': 'varchar', 'cancelled_at': 'varchar', 'source_name': 'varchar',
        'currency': 'varchar', 'subtotal_price': 'varchar', 'total_tax': 'varchar',
        'total_discounts': 'varchar', 'total_price': 'varchar', 'financial_status': 'varchar',
        'test': 'boolean', 'payment_gateway_names': 'varchar[]',
        'shipping_lines': 'struct(price varchar)[]',
        'note_attributes': 'struct(name varchar, value varchar)[]',
        'customer': 'struct(id bigint)',
        'line_items': 'struct(quantity bigint)[]',
        'refunds': 'struct(processed_at varchar, transactions struct(amount varchar)[])[]'
    }
)
qualify row_number() over (partition by id order by updated_at desc) = 1;

create or replace table responses as
select
    respondent_id,
    survey_id,
    email,
    channel,
    touchpoint_id,
    order_ref,
    seconds_between(started_at::timestamp, completed_at::timestamp) as answer_seconds,
    timezone('UTC', timezone('Europe/Helsinki', completed_at::timestamp)) as submitted_at,
    completed_at::timestamp::date as submitted_date,
    nps::double as nps,
    ces::double as ces,
    csat::double as csat
from read_csv(
    getvariable('exports') || '/questback/responses_*.csv', delim = ';', header = true,
    all_varchar = true
);

create or replace table tickets as
select
    t.id::varchar as ticket_id,
    u.email,
    t.via.channel as channel,
    t.assignee_id as agent_id,
    t.created_at::timestamp as created_at,
    t.metric_set.solved_at::timestamp as solved_at,
    t.updated_at::timestamp as updated_at
from read_json(
    getvariable('exports') || '/zendesk/tickets_*.jsonl', format = 'newline_delimited',
    columns = {
        'id': 'bigint', 'requester_id': 'bigint', 'assignee_id': 'bigint',
        'created_at': 'varchar', 'updated_at': 'varchar',
        'via': 'struct(channel varchar)', 'metric_set': 'struct(solved_at varchar)'
    }
) as t
left join (
    select distinct id, email
    from read_json(
        getvariable('exports') || '/zendesk/users_*.jsonl', format = 'newline_delimited',
        columns = {'id': 'bigint', 'email': 'varchar'}
    )
) as u on t.requester_id = u.id;

create or replace table contacts as
select
    id as contact_id,
    properties.email as email,
    properties.web_user_id as user_id,
    properties.lifecyclestage as lifecycle_stage,
    properties.country as country,
    properties.email_opt_in::boolean as has_email_consent,
    properties.createdate::timestamp as created_at,
    "updatedAt"::timestamp as updated_at
from read_json(
    getvariable('exports') || '/hubspot/contacts_*.jsonl', format = 'newline_delimited',
    columns = {
        'id': 'varchar', 'updatedAt': 'varchar',
        'properties': 'struct(email varchar, web_user_id varchar, lifecyclestage varchar,
            country varchar, email_opt_in varchar, createdate varchar)'
    }
)
qualify row_number() over (partition by id order by "updatedAt" desc) = 1;

set variable merge_files = (
    -- a file without merges stands in for an audit that has not come yet
    select coalesce(list(file), [getvariable('exports') || '/hubspot/contacts_base.jsonl'])
    from glob(getvariable('exports') || '/hubspot/contact_merge_audit*.jsonl')
);

create or replace table contact_merges as
select
    "canonical-vid"::varchar as surviving_contact_id,
    "vid-to-merge"::varchar as merged_contact_id,
    make_timestamp("timestamp" * 1000) as merged_at
from read_json(
    getvariable('merge_files'), format = 'newline_delimited',
    columns = {'canonical-vid': 'bigint', 'vid-to-merge': 'bigint', 'timestamp': 'bigint'}
)
where "canonical-vid" is not null;

-- @ identity
create or replace table edges as
with met as (
    select distinct 'client ' || client_id as one, 'user ' || user_id as other
    from sessions
    where user_id is not null
    union
    select 'client ' || client_id, 'email ' || email from order_rows
    union
    select 'ref ' || customer_ref, 'email ' || email from order_rows
    union
    select 'user ' || user_id, 'email ' || email from order_rows where user_id is not null
    union
    select 'contact ' || contact_id, 'email ' || email from contacts
    union
    select 'contact ' || contact_id, 'user ' || user_id from contacts where user_id is not null
    union
    select 'contact ' || surviving_contact_id, 'contact ' || merged_contact_id
    from contact_merges
)

select one, other from met;

create or replace table identifiers as
with recursive

listed as (
    select one as identifier from edges
    union
    select other from edges
    union
    select distinct 'client ' || client_id from sessions
    union
    select distinct 'email ' || email from responses
    union
    select distinct 'email ' || email from tickets
),

nodes as materialized (
    select identifier, row_number() over (order by identifier) as node from listed
),

neighbours as materialized (
    select a.node as from_node, b.node as to_node
    from edges
    inner join nodes as a on edges.one = a.identifier
    inner join nodes as b on edges.other = b.identifier
    union
    select b.node, a.node
    from edges
    inner join nodes as a on edges.one = a.identifier
    inner join nodes as b on edges.other = b.identifier
),

reached (node, component) using key (node) as (
    select from_node, min(least(from_node, to_node)) from neighbours group by from_node
    union
    select neighbours.to_node, min(reached.component)
    from reached
    inner join neighbours on reached.node = neighbours.from_node
    inner join recurring.reached as known on neighbours.to_node = known.node
    where reached.component < known.component
    group by neighbours.to_node
)

select
    nodes.identifier,
    split_part(nodes.identifier, ' ', 1) as kind,
    coalesce(reached.component, nodes.node) as customer_id
from nodes
left join reached on nodes.node = reached.node;

-- @ fct_sessions
create table marts.fct_sessions as
with landings as (
    select distinct landing_page_path, channel_group, coalesce(traffic_campaign, '') as campaign
    from sessions
    where channel_group like '%Search'
),

intents as (
    select
        landings.*,
        min_by(rules.search_intent, (rules.priority, rules.rule_id)) as search_intent
    from landings
    inner join read_csv(getvariable('rules') || '/search_intent_rules.csv', header = true) as rules
        on
            landings.landing_page_path like coalesce(rules.page_pattern, '%')
            and landings.channel_group like coalesce(rules.channel_group, '%')
            and lower(landings.campaign) like coalesce(rules.campaign_pattern, '%')
    group by all
)

select
    s.session_key,
    'ga4' as source,
    s.stream_id,
    s.platform,
    i.customer_id,
    s.* exclude (
        session_key, client_id, session_ref, stream_id, platform, user_id, landing_page_path,
        click_id_type
    ),
    s.user_id is not null as is_logged_in,
    s.error_count > 0 as has_error,
    s.click_id_type,
    s.landing_page_path,
    case
        when s.channel_group like '%Search' then coalesce(intents.search_intent, 'unknown')
    end as search_intent
from sessions as s
inner join identifiers as i on 'client ' || s.client_id = i.identifier
left join intents
    on
        s.landing_page_path = intents.landing_page_path
        and s.channel_group = intents.channel_group
        and coalesce(s.traffic_campaign, '') = intents.campaign;

-- @ fct_orders
create table marts.fct_orders as
with ordering_sessions as (
    select transaction_id, min_by(session_key, purchased_at) as session_key
    from sessions
    where transaction_id is not null
    group by transaction_id
),

counted as (
    select
        *,
        -- of what was charged for the delivery, what is not its share of the tax
        (shipping_charged - tax_amount * shipping_charged / total_amount)::decimal(18, 4)
            as shipping_amount,
        status not in ('pending', 'cancelled', 'voided') and not is_test as is_counted
    from order_rows
)

select
    md5('shopify|order|' || counted.order_id) as order_key,
    'shopify' as source,
    counted.order_id,
    counted.order_name,
    counted.channel,
    counted.ordered_at,
    local_date(counted.ordered_at) as order_date,
    identifiers.customer_id,
    ordering_sessions.session_key,
    case when is_counted then row_number() over (
        partition by identifiers.customer_id, is_counted
        order by ordered_at, md5('shopify|order|' || order_id)
    ) end as customer_order_number,
    counted.currency,
    (
        counted.goods_amount + counted.shipping_charged - counted.tax_amount
        - counted.shipping_amount
    )::decimal(18, 2) as subtotal_amount,
    counted.tax_amount,
    counted.shipping_amount::decimal(18, 2) as shipping_amount,
    counted.discount_amount,
    counted.total_amount,
    counted.refund_amount,
    (counted.total_amount - counted.refund_amount)::decimal(18, 2) as net_amount,
    -- everything here is in euros
    counted.total_amount as total_amount_eur,
    counted.refund_amount as refund_amount_eur,
    net_amount as net_amount_eur,
    counted.line_count,
    counted.unit_count,
    counted.status,
    counted.status = 'cancelled' as is_cancelled,
    counted.is_test,
    counted.is_counted,
    counted.refund_amount > 0 as has_refund,
    counted.first_refunded_at,
    counted.payment_method,
    counted.transaction_ref
from counted
inner join identifiers on 'ref ' || counted.customer_ref = identifiers.identifier
left join ordering_sessions on counted.transaction_ref = ordering_sessions.transaction_id;

-- @ fct_touchpoints
create table marts.fct_touchpoints as
with rules as (
    select * from read_csv(getvariable('rules') || '/touchpoint_rules.csv', header = true)
),

matched_pages as (
    select
        pages.event_name,
        pages.page_path,
        min_by(rules.touchpoint_id, (rules.priority, rules.rule_id)) as touchpoint_id
    from (
        select distinct event_name, coalesce(page_path, '') as page_path from web_events
        where event_name in (select event_name from rules where source_kind = 'web_event')
    ) as pages
    inner join rules
        on
            rules.source_kind = 'web_event'
            and pages.event_name = rules.event_name
            and (rules.page_pattern is null or pages.page_path like rules.page_pattern)
    group by pages.event_name, pages.page_path
),

clients as (
    select identifier[8:] as client_id, customer_id from identifiers where kind = 'client'
),

met as (
    select
        'ga4' as source,
        'web_event' as source_kind,
        matched_pages.touchpoint_id,
        web_events.platform as source_channel,
        web_events.occurred_at,
        web_events.partition_date,
        clients.customer_id,
        session_key(web_events.client_id, web_events.session_ref) as session_key,
        cast(null as decimal(18, 2)) as value_eur
    from web_events
    inner join matched_pages
        on
            web_events.event_name = matched_pages.event_name
            and coalesce(web_events.page_path, '') = matched_pages.page_path
    left join clients on web_events.client_id = clients.client_id
    union all
    select
        'ga4', 'ad', 'ad_click', platform, started_at, null, customer_id, session_key, null
    from marts.fct_sessions
    where channel_group like 'Paid %'
    union all
    select
        'shopify', 'order', 'web_purchase', channel, ordered_at, null, customer_id, null,
        net_amount_eur
    from marts.fct_orders
    union all
    select
        'questback', 'survey', 'survey_response', r.channel, r.submitted_at, null, i.customer_id,
        null, null
    from responses as r
    inner join identifiers as i on 'email ' || r.email = i.identifier
    union all
    select
        'zendesk', 'service_case', 'support_ticket', t.channel, t.created_at, null, i.customer_id,
        null, null
    from tickets as t
    inner join identifiers as i on 'email ' || t.email = i.identifier
)

select
    met.source,
    met.source_kind,
    met.touchpoint_id,
    places.stage_id as journey_stage,
    channels.channel_id as channel,
    channels.is_digital,
    met.occurred_at,
    local_date(met.occurred_at) as occurred_date,
    met.partition_date,
    met.customer_id,
    met.session_key,
    met.value_eur
from met
inner join places on met.touchpoint_id = places.touchpoint_id
left join channels on coalesce(places.channel, met.source_channel) = channels.channel_id;

-- @ dim_customers
-- "Now" is the newest encounter, for whoever is new, active or in a stage.
set variable now_at = (select max(occurred_at) from marts.fct_touchpoints);

create or replace macro stage_at(
    now_at, open_cases, support_at, purchase_at, order_at, use_at, consideration_at, loyalty_at,
    orders
) as case
    when open_cases > 0 or support_at >= now_at - interval 14 days then 'support'
    when
        purchase_at >= now_at - interval 7 days
        and purchase_at > coalesce(order_at, '1900-01-01'::timestamp) + interval 1 hour
        then 'purchase'
    when
        order_at >= now_at - interval 30 days or use_at >= now_at - interval 14 days
        then 'use'
    when consideration_at >= now_at - interval 30 days then 'consideration'
    when orders >= 2 or loyalty_at >= now_at - interval 90 days then 'loyalty'
    else 'awareness'
end;

create table marts.dim_customers as
with counted as (
    select
        customer_id,
        count(*) filter (where kind = 'contact') as contact_id_count,
        count(*) filter (where kind = 'user') as user_id_count,
        count(*) filter (where kind = 'ref') as customer_ref_count,
        count(*) filter (where kind = 'email') as email_hash_count,
        count(*) filter (where kind = 'client') as client_id_count,
        count(*) as identifier_count,
        bool_or(kind <> 'client') as is_known
    from identifiers
    group by customer_id
),

visited as (
    select
        customer_id,
        count(*) as session_count,
        min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at,
        max(started_at) as last_session_at,
        max_by(consent_analytics, started_at) as consent_analytics
    from marts.fct_sessions
    group by customer_id
),

known as (
    select
        i.customer_id,
        max_by(
            {'stage': c.lifecycle_stage, 'country': c.country},
            (m.merged_contact_id is null, c.updated_at, c.contact_id)
        ) as newest,
        min(c.created_at) as first_seen_at,
        max(greatest(c.updated_at, c.created_at)) as last_seen_at,
        bool_and(m.merged_contact_id is not null) as is_deleted_in_crm,
        bool_and(c.has_email_consent) filter (where m.merged_contact_id is null)
            as has_email_consent,
        count(*) filter (where m.merged_contact_id is null) as living_contact_count
    from contacts as c
    inner join identifiers as i on 'contact ' || c.contact_id = i.identifier
    left join (select distinct merged_contact_id from contact_merges) as m
        on c.contact_id = m.merged_contact_id
    group by i.customer_id
),

merged as (
    select i.customer_id, max(m.merged_at) as last_seen_at
    from contact_merges as m
    inner join identifiers as i on 'contact ' || m.surviving_contact_id = i.identifier
    group by i.customer_id
),

bought as (
    select
        customer_id,
        count(*) filter (where is_counted) as order_count,
        count(*) filter (where is_counted and channel = 'web') as web_order_count,
        count(*) filter (where is_counted and channel = 'app') as app_order_count,
        count(*) filter (where is_counted and channel = 'store') as store_order_count,
        count(*) filter (where is_counted and has_refund) as refunded_order_count,
        sum(net_amount_eur) filter (where is_counted) as revenue_net_eur,
        min(ordered_at) filter (where is_counted) as first_order_at,
        max(ordered_at) filter (where is_counted) as last_order_at,
        avg(unit_count) filter (where is_counted) as units_per_order,
        avg((discount_amount > 0)::int) filter (where is_counted) as discounted_order_share,
        avg((channel = 'store')::int) filter (where is_counted) as store_order_share,
        count(*) filter (
            where is_counted and ordered_at >= getvariable('now_at') - interval 90 days
        ) as recent_order_count,
        min(ordered_at) as first_seen_at,
        max(ordered_at) as last_seen_at
    from marts.fct_orders
    group by customer_id
),

-- who buys in which way: a rule is met where all its conditions are
persona_rules as (
    select *, count(*) over (partition by rule_id) as condition_count
    from read_csv(getvariable('rules') || '/persona_rules.csv', header = true)
),

personas as (
    select customer_id, min_by(persona_id, (priority, rule_id)) as persona_id
    from (
        select b.customer_id, r.persona_id, r.priority, r.rule_id
        from (
            unpivot (
                select
                    customer_id, order_count::double as order_count, units_per_order,
                    discounted_order_share, store_order_share
                from bought
            )
            on columns(* exclude customer_id) into name attribute value figure
        ) as b
        inner join persona_rules as r
            on
                b.attribute = r.attribute
                and b.figure between coalesce(r.from_value, b.figure)
                and coalesce(r.to_value, b.figure)
        group by b.customer_id, r.persona_id, r.priority, r.rule_id, r.condition_count
        having count(*) = r.condition_count
    )
    group by customer_id
),

encountered as (
    select
        customer_id,
        count(*) as touchpoint_count,
        count(*) filter (where is_digital) as digital_touchpoint_count,
        count(*) filter (where not is_digital) as physical_touchpoint_count,
        count(*) filter (where channel = 'web') as web_touchpoint_count,
        count(*) filter (where channel = 'app') as app_touchpoint_count,
        count(*) filter (where channel = 'email') as email_touchpoint_count,
        count(*) filter (where channel = 'ad') as ad_touchpoint_count,
        count(*) filter (where channel = 'store') as store_touchpoint_count,
        count(*) filter (where channel = 'phone') as phone_touchpoint_count,
        count(*) filter (where channel = 'chat') as chat_touchpoint_count,
        count(*) filter (where channel = 'sms') as sms_touchpoint_count,
        count(*) filter (where channel = 'mail') as mail_touchpoint_count,
        count(distinct channel) as channel_count,
        min(occurred_at) as first_touchpoint_at,
        max(occurred_at) as last_touchpoint_at,
        max_by({'touchpoint': touchpoint_id, 'channel': channel}, occurred_at) as newest,
        max(occurred_at) filter (where journey_stage = 'consideration') as last_consideration_at,
        max(occurred_at) filter (where journey_stage = 'purchase' and source_kind = 'web_event')
            as last_purchase_step_at,
        max(occurred_at) filter (where journey_stage = 'use') as last_use_at,
        max(occurred_at) filter (where journey_stage = 'support') as last_support_at,
        max(occurred_at) filter (where journey_stage = 'loyalty') as last_loyalty_at
    from marts.fct_touchpoints
    group by customer_id
),

answered as (
    select
        i.customer_id,
        max_by(
            {'nps': r.nps, 'ces': r.ces, 'csat': r.csat, 'submitted_at': r.submitted_at},
            (r.submitted_at, r.respondent_id)
        ) as newest,
        min(r.submitted_at) as first_seen_at,
        max(r.submitted_at) as last_seen_at
    from responses as r
    inner join identifiers as i on 'email ' || r.email = i.identifier
    group by i.customer_id
),

asked as (
    select
        i.customer_id,
        count(*) as case_count,
        count(*) filter (where t.solved_at is null) as open_case_count,
        min(t.created_at) as first_seen_at,
        max(t.created_at) as last_seen_at
    from tickets as t
    inner join identifiers as i on 'email ' || t.email = i.identifier
    group by i.customer_id
)

select
    counted.customer_id,
    counted.is_known,
    counted.contact_id_count,
    counted.user_id_count,
    counted.customer_ref_count,
    counted.email_hash_count,
    counted.client_id_count,
    counted.identifier_count,
    concat_ws(
        ', ',
        if(visited.customer_id is not null, 'ga4', null),
        if(known.customer_id is not null, 'hubspot', null),
        if(answered.customer_id is not null, 'questback', null),
        if(bought.customer_id is not null, 'shopify', null),
        if(asked.customer_id is not null, 'zendesk', null)
    ) as linked_sources,
    len(string_split(linked_sources, ', ')) as source_count,
    least(
        visited.first_seen_at, known.first_seen_at, bought.first_seen_at, answered.first_seen_at,
        asked.first_seen_at
    ) as first_seen_at,
    greatest(
        visited.last_seen_at, known.last_seen_at, merged.last_seen_at, bought.last_seen_at,
        answered.last_seen_at, asked.last_seen_at
    ) as last_seen_at,
    known.newest.stage as crm_lifecycle_stage,
    known.first_seen_at as contact_created_at,
    coalesce(known.is_deleted_in_crm, false) as is_deleted_in_crm,
    known.newest.country as country,
    coalesce(personas.persona_id, 'unknown') as persona_id,
    case
        when not counted.is_known then 'anonymous'
        when coalesce(bought.order_count, 0) = 0 then 'prospect'
        when bought.first_order_at >= getvariable('now_at') - interval 30 days then 'new'
        when bought.last_order_at >= getvariable('now_at') - interval 90 days then 'active'
        else 'lapsed'
    end as lifecycle_status,
    case
        when encountered.customer_id is not null then stage_at(
            getvariable('now_at'), asked.open_case_count, last_support_at, last_purchase_step_at,
            bought.last_order_at, last_use_at, last_consideration_at, last_loyalty_at,
            bought.order_count
        )
    end as journey_stage,
    coalesce(encountered.touchpoint_count, 0) as touchpoint_count,
    coalesce(encountered.digital_touchpoint_count, 0) as digital_touchpoint_count,
    coalesce(encountered.physical_touchpoint_count, 0) as physical_touchpoint_count,
    coalesce(encountered.web_touchpoint_count, 0) as web_touchpoint_count,
    coalesce(encountered.app_touchpoint_count, 0) as app_touchpoint_count,
    coalesce(encountered.email_touchpoint_count, 0) as email_touchpoint_count,
    coalesce(encountered.ad_touchpoint_count, 0) as ad_touchpoint_count,
    coalesce(encountered.store_touchpoint_count, 0) as store_touchpoint_count,
    coalesce(encountered.phone_touchpoint_count, 0) as phone_touchpoint_count,
    coalesce(encountered.chat_touchpoint_count, 0) as chat_touchpoint_count,
    coalesce(encountered.sms_touchpoint_count, 0) as sms_touchpoint_count,
    coalesce(encountered.mail_touchpoint_count, 0) as mail_touchpoint_count,
    coalesce(encountered.channel_count, 0) as channel_count,
    coalesce(encountered.digital_touchpoint_count, 0) > 0 as has_used_digital,
    coalesce(encountered.physical_touchpoint_count, 0) > 0 as has_used_physical,
    encountered.first_touchpoint_at,
    encountered.last_touchpoint_at,
    encountered.newest.touchpoint as last_touchpoint_id,
    encountered.newest.channel as last_channel,
    coalesce(visited.session_count, 0) as session_count,
    visited.last_session_at,
    coalesce(bought.order_count, 0) as order_count,
    coalesce(bought.web_order_count, 0) as web_order_count,
    coalesce(bought.app_order_count, 0) as app_order_count,
    coalesce(bought.store_order_count, 0) as store_order_count,
    coalesce(bought.refunded_order_count, 0) as refunded_order_count,
    coalesce(bought.revenue_net_eur, 0)::decimal(18, 2) as revenue_net_eur,
    (bought.revenue_net_eur / nullif(bought.order_count, 0))::decimal(18, 2)
        as average_order_value_eur,
    bought.first_order_at,
    bought.last_order_at,
    answered.newest.nps as last_nps_score,
    if(answered.newest is null, null, 10)::int as last_nps_scale_max,
    answered.newest.submitted_at as last_nps_at,
    answered.newest.ces as last_ces_score,
    if(answered.newest is null, null, 7)::int as last_ces_scale_max,
    answered.newest.submitted_at as last_ces_at,
    answered.newest.csat as last_csat_score,
    if(answered.newest is null, null, 5)::int as last_csat_scale_max,
    answered.newest.submitted_at as last_csat_at,
    coalesce(asked.case_count, 0) as case_count,
    coalesce(asked.open_case_count, 0) as open_case_count,
    asked.last_seen_at as last_service_at,
    known.has_email_consent,
    visited.consent_analytics,
    coalesce(known.living_contact_count, 0) > 1 or counted.user_id_count > 1
        as has_conflicting_ids,
    coalesce(bought.recent_order_count, 0) > 25 as has_implausible_order_count
from counted
left join visited on counted.customer_id = visited.customer_id
left join known on counted.customer_id = known.customer_id
left join merged on counted.customer_id = merged.customer_id
left join bought on counted.customer_id = bought.customer_id
left join personas on counted.customer_id = personas.customer_id
left join encountered on counted.customer_id = encountered.customer_id
left join answered on counted.customer_id = answered.customer_id
left join asked on counted.customer_id = asked.customer_id;

-- @ mart_customer_timeline
create table marts.mart_customer_timeline as
with furthest as (
    -- of what a visit met, the last of those that lead furthest stands for it
    select
        t.session_key,
        max_by(
            {'touchpoint': t.touchpoint_id, 'stage': t.journey_stage},
            (stages.stage_order, t.occurred_at)
        ) as picked
    from marts.fct_touchpoints as t
    inner join stages on t.journey_stage = stages.stage_id
    where t.session_key is not null
    group by t.session_key
),

encounters as (
    select
        s.customer_id,
        'session' as encounter_kind,
        s.session_key as record_key,
        s.source,
        s.started_at as occurred_at,
        s.platform as channel,
        furthest.picked.touchpoint as touchpoint_id,
        furthest.picked.stage as journey_stage,
        s.channel_group as detail,
        cast(null as varchar) as score_metric_id,
        cast(null as double) as score,
        cast(null as int) as score_scale_max,
        cast(null as decimal(18, 2)) as value_eur,
        s.duration_seconds
    from marts.fct_sessions as s
    left join furthest on s.session_key = furthest.session_key
    union all
    select
        customer_id, 'order', order_key, source, ordered_at, channel, 'web_purchase', 'purchase',
        status, null, null, null, net_amount_eur, null
    from marts.fct_orders
    where not is_test
    union all
    select
        i.customer_id, 'survey_response',
        md5('questback|survey_response|' || r.survey_id || '|' || r.respondent_id), 'questback',
        r.submitted_at, r.channel, 'survey_response', 'loyalty', r.survey_id, 'nps', r.nps, 10,
        null, r.answer_seconds
    from responses as r
    inner join identifiers as i on 'email ' || r.email = i.identifier
    union all
    select
        i.customer_id, 'service_case', md5('zendesk|service_case|' || t.ticket_id), 'zendesk',
        t.created_at, 'email', 'support_ticket', 'support', null, null, null, null, null,
        seconds_between(t.created_at, t.solved_at)
    from tickets as t
    inner join identifiers as i on 'email ' || t.email = i.identifier
)

select
    md5(e.encounter_kind || '|' || e.record_key) as encounter_key,
    e.customer_id,
    row_number() over (
        partition by e.customer_id order by e.occurred_at, e.encounter_kind, e.record_key
    ) as encounter_number,
    e.encounter_kind,
    e.record_key,
    e.source,
    e.occurred_at,
    local_date(e.occurred_at) as occurred_date,
    e.channel,
    channels.is_digital,
    e.touchpoint_id,
    e.journey_stage,
    e.detail,
    e.score_metric_id,
    e.score,
    e.score_scale_max,
    e.value_eur,
    e.duration_seconds
from encounters as e
left join channels on e.channel = channels.channel_id;

-- @ fct_stage_transitions
create table marts.fct_stage_transitions as
with facts as (
    select
        customer_id,
        occurred_at as moment,
        if(journey_stage = 'purchase', 'purchase_step', journey_stage) as fact
    from marts.fct_touchpoints
    where
        journey_stage in ('support', 'use', 'consideration', 'loyalty')
        or (journey_stage = 'purchase' and source_kind = 'web_event')
    union all
    select customer_id, ordered_at, 'order' from marts.fct_orders where is_counted
),

-- A stage may change when something happens, and when what happened is long enough ago.
moments as (
    select customer_id, moment, fact, 0 as cases_opened from facts
    union all
    select customer_id, min(occurred_at), 'encounter', 0
    from marts.fct_touchpoints
    group by customer_id
    union all
    select customer_id, lasts_until + interval 1 microsecond, 'lapse', 0
    from (
        select
            customer_id,
            moment + case fact
                when 'support' then interval 14 days
                when 'purchase_step' then interval 7 days
                when 'order' then interval 30 days
                when 'use' then interval 14 days
                when 'consideration' then interval 30 days
                when 'loyalty' then interval 90 days
            end as lasts_until,
            lead(moment) over (partition by customer_id, fact order by moment) as next_at
        from facts
    )
    where next_at is null or next_at > lasts_until
    union all
    select i.customer_id, unnest([t.created_at, t.solved_at]), 'case', unnest([1, -1])
    from tickets as t
    inner join identifiers as i on 'email ' || t.email = i.identifier
),

gathered as (
    select
        customer_id,
        moment,
        max(moment) filter (where fact = 'support') as support_at,
        max(moment) filter (where fact = 'purchase_step') as purchase_at,
        max(moment) filter (where fact = 'order') as order_at,
        max(moment) filter (where fact = 'use') as use_at,
        max(moment) filter (where fact = 'consideration') as consideration_at,
        max(moment) filter (where fact = 'loyalty') as loyalty_at,
        count(*) filter (where fact = 'order') as orders,
        sum(cases_opened) as cases_opened
    from moments
    where moment <= getvariable('now_at')
    group by customer_id, moment
),

staged as (
    select
        customer_id,
        moment as entered_at,
        stage_at(
            moment, sum(cases_opened) over so_far, max(support_at) over so_far,
            max(purchase_at) over so_far, max(order_at) over so_far, max(use_at) over so_far,
            max(consideration_at) over so_far, max(loyalty_at) over so_far, sum(orders) over so_far
        ) as journey_stage
    from gathered
    window so_far as (
        partition by customer_id order by moment
        rows between unbounded preceding and current row
    )
),

entered as (
    select *
    from staged
    qualify journey_stage is distinct from
        lag(journey_stage) over (partition by customer_id order by entered_at)
),

numbered as (
    select
        *,
        row_number() over in_order as transition_number,
        row_number() over (partition by customer_id, journey_stage order by entered_at) > 1
            as is_return,
        lag(journey_stage) over in_order as previous_stage,
        lead(journey_stage) over in_order as next_stage,
        lead(entered_at) over in_order as left_at
    from entered
    window in_order as (partition by customer_id order by entered_at)
)

select
    n.customer_id,
    n.transition_number,
    n.journey_stage,
    n.previous_stage,
    n.next_stage,
    case
        when n.previous_stage is null then 'entry'
        when previous.stage_order < stages.stage_order then 'forward'
        else 'back'
    end as direction,
    n.is_return,
    n.entered_at,
    local_date(n.entered_at) as entered_date,
    n.left_at,
    n.left_at is null as is_current,
    seconds_between(n.entered_at, n.left_at) as seconds_in_stage
from numbered as n
inner join stages on n.journey_stage = stages.stage_id
left join stages as previous on n.previous_stage = previous.stage_id;

-- @ metric_records
create or replace table catalogue as
from read_csv(getvariable('rules') || '/metric_catalogue.csv', header = true);

create or replace table settings as
from read_csv(getvariable('rules') || '/metric_settings.csv', header = true);

set variable z = (select setting_value from settings where setting_id = 'interval_z');
set variable shown_n = (select setting_value from settings where setting_id = 'min_published_n');
set variable small_n = (select setting_value from settings where setting_id = 'small_sample_n');

create or replace table periods as
select day, period_type, date_trunc(period_type, day)::date as period_start
from (
    select unnest(generate_series(min(session_date), max(session_date), interval 1 day))::date
        as day
    from sessions
)
cross join (values ('day'), ('week'), ('month'), ('quarter')) as p (period_type);

-- by which breakdowns a metric is told, and in which periods: by what it has, and over what may be
-- pooled
create or replace table grains as
select c.metric_id, p.period_type, g.* exclude (in_day, in_week, in_month, in_quarter)
from (select *, coalesce(never_pooled_over, '') as never from catalogue) as c
cross join read_csv(getvariable('rules') || '/metric_grains.csv', header = true) as g
cross join (
    values ('day', 'in_day'), ('week', 'in_week'), ('month', 'in_month'), ('quarter', 'in_quarter')
) as p (period_type, flag)
where
    case p.flag
        when 'in_day' then g.in_day
        when 'in_week' then g.in_week
        when 'in_month' then g.in_month
        else g.in_quarter
    end
    and if(g.by_stage, contains(c.dimensions, 'stage'), not contains(never, 'stage'))
    and if(g.by_channel, contains(c.dimensions, 'channel'), not contains(never, 'channel'))
    and if(g.by_touchpoint, contains(c.dimensions, 'touchpoint'), not contains(never, 'touchpoint'))
    and if(g.by_persona, contains(c.dimensions, 'persona'), not contains(never, 'persona'));

create or replace table visits as
select
    s.session_key,
    s.customer_id,
    d.persona_id,
    s.session_date,
    s.ended_at,
    s.platform,
    s.device_category,
    s.browser,
    s.channel_group,
    s.traffic_campaign,
    s.search_intent,
    s.search_count,
    s.is_engaged,
    s.has_error,
    coalesce(s.item_viewed_at, s.cart_added_at, s.checkout_begun_at, s.purchased_at) is not null
        as is_shop_visit,
    s.cart_added_at is not null as has_cart,
    s.checkout_begun_at is not null as has_checkout,
    s.has_purchase,
    s.has_sign_up,
    s.has_lead,
    s.has_loyalty_signup,
    s.has_app_download
from marts.fct_sessions as s
inner join marts.dim_customers as d on s.customer_id = d.customer_id
where not s.is_internal;

create or replace table order_sequence as
select
    o.customer_id,
    d.persona_id,
    o.order_date,
    o.channel,
    o.customer_order_number,
    o.unit_count,
    o.net_amount_eur::double as net_eur,
    sum(o.net_amount_eur::double) over (
        in_order rows between unbounded preceding and current row
    ) as revenue_to_date,
    seconds_between(lag(o.ordered_at) over in_order, o.ordered_at) / 86400 as days_since_last,
    lead(o.order_date) over in_order as next_order_date
from marts.fct_orders as o
inner join marts.dim_customers as d on o.customer_id = d.customer_id
where o.is_counted
window in_order as (partition by o.customer_id order by o.customer_order_number);

-- tasks that a visit began; who does not finish is seen until the visit ends
create or replace table tasks as
with defined as (
    from read_csv(getvariable('rules') || '/metric_tasks.csv', header = true)
),

begun as (
    select
        session_key(e.client_id, e.session_ref) as session_key,
        d.task_id,
        min(e.occurred_at) filter (where e.event_name = d.start_event_name) as started_at,
        list(e.occurred_at) filter (where e.event_name = d.end_event_name) as ends
    from web_events as e
    inner join defined as d
        on
            e.event_name = d.end_event_name
            or (
                e.event_name = d.start_event_name
                and (d.start_page_pattern is null or e.page_path like d.start_page_pattern)
            )
    group by e.client_id, e.session_ref, d.task_id
    having started_at is not null
),

finished as (
    select *, list_min(list_filter(ends, lambda e: e >= started_at)) as finished_at
    from begun
)

select
    v.customer_id,
    v.persona_id,
    v.session_date,
    v.platform,
    d.journey_stage,
    d.touchpoint_id,
    seconds_between(f.started_at, coalesce(f.finished_at, v.ended_at)) as observed_seconds,
    f.finished_at is null as is_censored
from finished as f
inner join defined as d on f.task_id = d.task_id
inner join visits as v on f.session_key = v.session_key;

set variable known_at = (
    select max(occurred_at) from marts.fct_touchpoints
    where source_kind in ('order', 'service_case')
);

-- seconds of opening time since the first case, day by day
create or replace table open_days as
with days as (
    select unnest(generate_series(
        (select min(local_date(created_at)) from tickets),
        (select max(local_date(greatest(updated_at, solved_at))) from tickets),
        interval 1 day
    ))::date as day
),

hours as (
    from read_csv(
        getvariable('rules') || '/opening_hours.csv', header = true,
        types = {'opens_at': 'time', 'closes_at': 'time', 'open_date': 'date'}
    )
),

opened as (
    select
        d.day,
        timezone('UTC', timezone('Europe/Helsinki', d.day + coalesce(h.opens_at, '00:00')))
            as opens_at,
        timezone('UTC', timezone('Europe/Helsinki', d.day + coalesce(h.closes_at, '00:00')))
            as closes_at
    from days as d
    left join hours as h
        -- a day of its own goes before the weekday
        on h.open_date = d.day or (
            h.weekday = isodow(d.day)
            and d.day not in (select open_date from hours where open_date is not null)
        )
)

select
    day,
    opens_at,
    seconds_between(opens_at, closes_at) as open_seconds,
    coalesce(
        sum(seconds_between(opens_at, closes_at)) over (
            order by day rows between unbounded preceding and 1 preceding
        ),
        0
    ) as seconds_before
from opened;

create or replace macro open_seconds_at(moment) as (
    select seconds_before + least(greatest(seconds_between(opens_at, moment), 0), open_seconds)
    from open_days
    where day = local_date(moment)
);

-- what is counted one by one: value x over its base b, whether n counts it, and of times whether
-- they still run
create or replace table records as
with scores as (
    select
        r.*,
        i.customer_id,
        d.persona_id,
        places.stage_id as journey_stage,
        places.channel as place_channel
    from responses as r
    inner join identifiers as i on 'email ' || r.email = i.identifier
    inner join marts.dim_customers as d on i.customer_id = d.customer_id
    inner join places on r.touchpoint_id = places.touchpoint_id
),

due as (
    select
        *,
        order_date + ceil(
            (select setting_value from settings where setting_id = 'churn_gaps')
            * (select median(days_since_last) from order_sequence)
        )::int as due_date
    from order_sequence
),

-- cases, with whether their window has passed and what became of them in it
cases as (
    select
        *,
        created_at + interval 7 days <= getvariable('known_at') as is_known,
        lag(created_at) over in_order as previous_at,
        lead(created_at) over in_order as next_at,
        greatest(open_seconds_at(last_at) - open_seconds_at(created_at), 0) as response_seconds,
        greatest(open_seconds_at(coalesce(solved_at, last_at)) - open_seconds_at(created_at), 0)
            as solution_seconds,
        exists (
            from marts.fct_orders as o
            where
                o.customer_id = t.customer_id
                and o.is_counted
                and o.ordered_at between t.created_at and t.created_at + interval 7 days
        ) as has_sale
    from (
        select
            tickets.*,
            i.customer_id,
            d.persona_id,
            local_date(tickets.created_at) as created_date,
            max(greatest(tickets.created_at, tickets.updated_at)) over () as last_at
        from tickets
        inner join identifiers as i on 'email ' || tickets.email = i.identifier
        inner join marts.dim_customers as d on i.customer_id = d.customer_id
    ) as t
    window in_order as (partition by customer_id order by created_at, ticket_id)
)

select
    unnest(['nps', 'ces', 'ces_mean', 'csat']) as metric_id,
    submitted_date as day,
    journey_stage,
    place_channel as channel,
    touchpoint_id,
    persona_id,
    customer_id,
    unnest(
        [(nps >= 9)::int - (nps <= 6)::int, (ces >= 5)::int, ces, (csat >= 4)::int]
    )::double as x,
    1.0::double as b,
    true as is_counted,
    false as is_censored
from scores
union all
select
    unnest(['search_landing_engagement', 'search_landing_consideration']),
    v.session_date, coalesce(places.stage_id, 'awareness'), v.platform,
    coalesce(places.touchpoint_id, 'landing_page'), v.persona_id, v.customer_id,
    unnest([v.is_engaged::int, (v.is_shop_visit or v.search_count > 0)::int]), 1, true, false
from visits as v
left join places on 'search_' || v.search_intent = places.touchpoint_id
where v.search_intent is not null
union all
select
    unnest(['task_abandonment', 'task_duration_seconds', 'task_duration_seconds_p90']),
    session_date, journey_stage, platform, touchpoint_id, persona_id, customer_id,
    unnest([is_censored::int, observed_seconds, observed_seconds]), 1, true, is_censored
from tasks
union all
select
    unnest([
        'average_order_value', 'average_price', 'revenue', 'repeat_purchase_rate',
        'purchase_frequency', 'customer_lifetime_value',
        if(
            customer_order_number = 1,
            'average_price_new_customers', 'average_price_returning_customers'
        )
    ]),
    order_date, 'purchase', channel, 'web_purchase', persona_id, customer_id,
    unnest([
        net_eur, net_eur, net_eur, (customer_order_number > 1)::int, 1, revenue_to_date, net_eur
    ]),
    unnest([1, unit_count, 1, 1, 1, 1, unit_count]), true, false
from order_sequence
union all
select
    'days_between_orders', order_date, 'purchase', channel, 'web_purchase', persona_id,
    customer_id, days_since_last, 1, true, false
from order_sequence
where days_since_last is not null
union all
select
    'churn', due_date, 'purchase', channel, 'web_purchase', persona_id, customer_id,
    (next_order_date is null or next_order_date > due_date)::int, 1, true, false
from due
where due_date <= (select max(order_date) from order_sequence)
union all
select
    unnest(['transfer_rate', 'contact_abandonment']), created_date, 'support', channel,
    'support_ticket', persona_id, customer_id, 0, 1, true, false
from cases
where agent_id is not null
union all
select
    'first_contact_resolution', created_date, 'support', channel, 'support_ticket', persona_id,
    customer_id, (next_at is null or next_at > created_at + interval 7 days)::int, 1, true, false
from cases
where is_known and (previous_at is null or created_at > previous_at + interval 7 days)
union all
select
    'service_to_sales', created_date, 'support', channel, 'support_ticket', persona_id,
    customer_id, has_sale::int, 1, true, false
from cases
where is_known
union all
select
    unnest(['first_response_time', 'first_response_time_p90']), created_date, 'support', channel,
    'support_ticket', persona_id, customer_id, response_seconds, 1, true, true
from cases
union all
select
    unnest(['resolution_time', 'resolution_time_p90']), created_date, 'support', channel,
    'support_ticket', persona_id, customer_id, solution_seconds, 1, true, solved_at is null
from cases
union all
select
    'first_response_in_time', created_date, 'support', channel, 'support_ticket', persona_id,
    customer_id, 0, 1, true, false
from cases
-- none of them had a response: who waits is late when the time is up
where response_seconds > 3600 * 4
union all
select
    'resolution_in_time', created_date, 'support', channel, 'support_ticket', persona_id,
    customer_id, (solution_seconds <= 3600 * 16)::int, 1, true, false
from cases
where solution_seconds > 3600 * 16 or solved_at is not null
union all
select
    'contacts_per_order', created_date, 'all', 'all', 'all', persona_id, customer_id, 1, 0, false,
    false
from cases
union all
select
    'contacts_per_order', order_date, 'all', 'all', 'all', persona_id, customer_id, 0, 1, true,
    false
from order_sequence;

-- @ metric_moments
-- The sums of a cell from which value, clustering by customer and interval follow: of its records,
-- and of the sums of each customer (c…).
create or replace macro share_sums(x, b) as {
    'n': sum(b)::double, 'w': sum(b)::double, 'customers': count(*) filter (where b > 0),
    'x': sum(x)::double, 'b': sum(b)::double,
    'xx': sum(x)::double, 'xb': sum(x)::double, 'bb': sum(b)::double,
    'cxx': sum(x * x)::double, 'cxb': sum(x * b)::double, 'cbb': sum(b * b)::double
};

-- shares of visits, and of visitors whoever of their visits did it
create or replace table visit_moments as
with several_platforms as (
    select customer_id
    from visits
    group by customer_id
    having min(platform) <> max(platform)
),

placed as (
    select *, platform as channel, customer_id in (from several_platforms) as is_followed
    from visits
),

visitors as (
    select
        p.period_type,
        p.period_start,
        v.channel,
        v.by_channel,
        v.persona_id,
        v.customer_id,
        count(*) as visits,
        count(*) filter (where v.is_shop_visit) as shop_visits,
        count(*) filter (where v.is_shop_visit and not v.has_purchase) as left_empty,
        count(*) filter (where v.has_error) as errors,
        count(*) filter (where v.has_purchase) as purchases,
        count(*) filter (where v.has_cart) as carts,
        count(*) filter (where v.has_checkout) as checkouts,
        count(*) filter (where v.has_lead) as leads,
        count(*) filter (where v.has_loyalty_signup) as memberships,
        count(*) filter (where v.has_sign_up) as accounts,
        count(*) filter (where v.has_app_download) as downloads
    from (
        -- who came by several platforms counts once where they are taken together
        select *, if(is_followed, true, null) as by_channel from placed
        union all
        select * replace ('all' as channel), false from placed where is_followed
    ) as v
    inner join periods as p on v.session_date = p.day
    group by all
)

unpivot (
    select
        period_type,
        period_start,
        channel,
        by_channel,
        persona_id,
        share_sums(left_empty, shop_visits) as exit_rate,
        share_sums(errors, visits) as error_rate,
        share_sums(purchases, visits) as conversion,
        share_sums(carts, visits) as conversion_cart,
        share_sums(checkouts, visits) as conversion_checkout,
        share_sums(leads, visits) as conversion_newsletter,
        share_sums(memberships, visits) as conversion_loyalty,
        share_sums(accounts, visits) as conversion_account,
        share_sums(downloads, visits) as conversion_app_download,
        share_sums((purchases > 0)::int, 1) as conversion_rate,
        share_sums((carts > 0)::int, 1) as conversion_rate_cart,
        share_sums((checkouts > 0)::int, 1) as conversion_rate_checkout,
        share_sums((leads > 0)::int, 1) as conversion_rate_newsletter,
        share_sums((memberships > 0)::int, 1) as conversion_rate_loyalty,
        share_sums((accounts > 0)::int, 1) as conversion_rate_account,
        share_sums((downloads > 0)::int, 1) as conversion_rate_app_download
    from visitors
    group by all
)
on columns(* exclude (period_type, period_start, channel, by_channel, persona_id))
into name metric_id value sums;

create or replace table record_moments as
with by_customer as (
    select
        r.metric_id, p.period_type, p.period_start, r.journey_stage, r.channel, r.touchpoint_id,
        r.persona_id, r.customer_id,
        count(*) filter (where r.is_counted) as n, count(*) as w, sum(r.x) as x, sum(r.b) as b,
        sum(r.x * r.x) as xx, sum(r.x * r.b) as xb, sum(r.b * r.b) as bb, max(r.x) as most
    from records as r
    inner join periods as p on r.day = p.day
    where r.metric_id in (select metric_id from catalogue where estimator <> 'quantile')
    group by all
),

-- who is met at several places counts once in a cell that takes them together
roaming as (
    select metric_id, customer_id
    from by_customer
    group by all
    having
        min(journey_stage || channel || touchpoint_id)
        <> max(journey_stage || channel || touchpoint_id)
),

in_cells as (
    select by_customer.*, cast(null as varchar) as grain_id
    from by_customer
    anti join roaming using (metric_id, customer_id)
    union all
    select
        c.metric_id, c.period_type, c.period_start, if(g.by_stage, c.journey_stage, 'all'),
        if(g.by_channel, c.channel, 'all'), if(g.by_touchpoint, c.touchpoint_id, 'all'),
        c.persona_id, c.customer_id,
        sum(c.n), sum(c.w), sum(c.x), sum(c.b), sum(c.xx), sum(c.xb), sum(c.bb), max(c.most),
        g.grain_id
    from by_customer as c
    semi join roaming using (metric_id, customer_id)
    inner join grains as g on c.metric_id = g.metric_id and c.period_type = g.period_type
    group by all
),

-- a metric of customers counts each once, with the most or the sum of what is theirs
counted as (
    select
        i.*,
        c.customer_value is not null as is_once,
        if(c.customer_value = 'any', i.most, i.x) as value
    from in_cells as i
    inner join catalogue as c on i.metric_id = c.metric_id
)

select
    metric_id, period_type, period_start, journey_stage, channel, touchpoint_id, persona_id,
    grain_id,
    {
        'n': sum(if(is_once, 1, n))::double,
        'w': sum(if(is_once, 1, w))::double,
        'customers': count(*),
        'x': sum(if(is_once, value, x)),
        'b': sum(if(is_once, 1, b)),
        'xx': sum(if(is_once, value * value, xx)),
        'xb': sum(if(is_once, value, xb)),
        'bb': sum(if(is_once, 1, bb)),
        'cxx': sum(if(is_once, value * value, x * x)),
        'cxb': sum(if(is_once, value, x * b)),
        'cbb': sum(if(is_once, 1, b * b))
    } as sums
from counted
group by all;

-- @ metric_quantiles
-- medians and percentiles of times of which some still run (Kaplan–Meier)
create or replace macro design_effect(m, xx, xb, bb, cxx, cxb, cbb) as greatest(
    1.0,
    case
        when xx - 2 * m * xb + m * m * bb > 1e-12 * (xx + m * m * bb)
            then (cxx - 2 * m * cxb + m * m * cbb) / (xx - 2 * m * xb + m * m * bb)
        when bb > 0 then cbb / bb
        else 1.0
    end
);

create or replace table metric_quantiles as
with placed as (
    select
        r.metric_id, p.period_type, p.period_start,
        if(g.by_stage, r.journey_stage, 'all') as journey_stage,
        if(g.by_channel, r.channel, 'all') as channel,
        if(g.by_touchpoint, r.touchpoint_id, 'all') as touchpoint_id,
        if(g.by_persona, r.persona_id, 'all') as persona_id,
        c.quantile, r.customer_id, r.x, r.is_censored
    from records as r
    inner join catalogue as c on r.metric_id = c.metric_id and c.estimator = 'quantile'
    inner join periods as p on r.day = p.day
    inner join grains as g on r.metric_id = g.metric_id and p.period_type = g.period_type
),

cells as materialized (
    select
        * exclude (customer_id, x, is_censored),
        count(*) as n,
        list({'customer': customer_id, 'x': x, 'is_censored': is_censored}) as times,
        row_number() over () as cell
    from placed
    group by all
),

timed as materialized (
    select cell, quantile, unnest(times, recursive := true) from cells
),

at_risk as (
    select
        cell,
        quantile,
        x,
        count(*) filter (where not is_censored) as finished,
        sum(count(*)) over (partition by cell order by x desc) as exposed,
        sum(count(*)) over (partition by cell) as everybody
    from timed
    group by cell, quantile, x
),

curves as materialized (
    select
        cell,
        quantile,
        x,
        everybody,
        -- the last who finish take the share to zero
        if(
            exposed = finished,
            0.0,
            exp(sum(if(exposed = finished, 0.0, ln(1 - finished / exposed))) over in_time)
        ) as unfinished,
        sum(if(exposed = finished, 0.0, finished / (exposed * (exposed - finished)))) over in_time
            as greenwood,
        lead(x) over (partition by cell order by x) as next_x
    from at_risk
    where finished > 0
    window in_time as (
        partition by cell order by x rows between unbounded preceding and current row
    )
),

reached as (
    select
        cell,
        -- where the share stays at the quantile until the next time, the middle of the two
        min(case
            when abs(unfinished - (1 - quantile)) < 1e-9 then (x + coalesce(next_x, x)) / 2
            when unfinished < 1 - quantile then x
        end) as value
    from curves
    group by cell
),

clustered as (
    select
        cell,
        design_effect(
            sum(x) / sum(b), sum(x), sum(x), sum(b), sum(x * x), sum(x * b), sum(b * b)
        ) as design_effect
    from (
        select t.cell, t.customer, count(*) as b, count(*) filter (where t.x <= r.value) as x
        from timed as t
        inner join reached as r on t.cell = r.cell
        group by t.cell, t.customer
    )
    group by cell
),

bounded as (
    select
        cell,
        if(
            max(1 - quantile + half_width) < 1,
            min(x) filter (where unfinished <= 1 - quantile + half_width + 1e-9),
            null
        ) as ci_low,
        min(x) filter (where unfinished <= 1 - quantile - half_width + 1e-9) as ci_high
    from (
        select
            curves.*,
            getvariable('z') * sqrt(
                quantile * (1 - quantile) * design_effect
                / if(
                    greenwood <= 0 or unfinished <= 0,
                    everybody,
                    (1 - unfinished) / (unfinished * greenwood)
                )
            ) as half_width
        from curves
        inner join clustered on curves.cell = clustered.cell
    )
    group by cell
)

select cells.* exclude (times, quantile, cell), reached.value, bounded.ci_low, bounded.ci_high
from cells
left join reached on cells.cell = reached.cell
left join bounded on cells.cell = bounded.cell;

-- @ mart_journey_metrics
create or replace macro wilson_limit(p, n, side) as greatest(0.0, least(1.0, (
    p + pow(getvariable('z'), 2) / (2 * n) + side * getvariable('z') * sqrt(
        greatest(p * (1 - p), 0.0) / n + pow(getvariable('z'), 2) / (4 * n * n)
    )
) / (1 + pow(getvariable('z'), 2) / n)));

-- of −1, 0 and 1, with three records more: three quarters on either side
create or replace macro net_limit(p, square, n, side) as greatest(-1.0, least(1.0,
    n * p / (n + 3) + side * getvariable('z') * sqrt(
        greatest((n * square + 1.5) / (n + 3) - pow(n * p / (n + 3), 2), 0.0) / (n + 3)
    )
));

create table marts.mart_journey_metrics as
with cells as (
    select
        m.metric_id,
        m.period_type,
        m.period_start,
        if(g.by_stage, m.journey_stage, 'all') as journey_stage,
        if(g.by_channel, m.channel, 'all') as channel,
        if(g.by_touchpoint, m.touchpoint_id, 'all') as touchpoint_id,
        if(g.by_persona, m.persona_id, 'all') as persona_id,
        sum(sums.n) as n,
        sum(sums.w) as w,
        sum(sums.customers) as customers,
        sum(sums.x) as x,
        sum(sums.b) as b,
        sum(sums.xx) as xx,
        sum(sums.xb) as xb,
        sum(sums.bb) as bb,
        sum(sums.cxx) as cxx,
        sum(sums.cxb) as cxb,
        sum(sums.cbb) as cbb
    from (
        select *, null as by_channel from record_moments
        union all by name
        select *, 'purchase' as journey_stage, 'all' as touchpoint_id from visit_moments
    ) as m
    inner join grains as g
        on
            m.metric_id = g.metric_id
            and m.period_type = g.period_type
            and g.grain_id = coalesce(m.grain_id, g.grain_id)
            and g.by_channel = coalesce(m.by_channel, g.by_channel)
    group by all
    having sum(sums.n) > 0
),

clustered as (
    select
        *,
        x / nullif(b, 0) as m,
        design_effect(x / nullif(b, 0), xx, xb, bb, cxx, cxb, cbb) as design_effect
    from cells
),

sized as (
    select
        s.*,
        c.estimator,
        c.interval_method,
        c.scale_min,
        c.scale_max,
        s.w / s.design_effect as n_effective,
        t.t_quantile * sqrt(
            s.design_effect / nullif(s.w - 1, 0) * greatest(
                if(
                    c.estimator = 'ratio',
                    (s.xx - 2 * s.m * s.xb + s.m * s.m * s.bb) / (s.b * s.b) * s.w,
                    s.xx / s.w - s.m * s.m
                ),
                0.0
            )
        ) as half_width
    from clustered as s
    inner join catalogue as c on s.metric_id = c.metric_id
    left join read_csv(getvariable('rules') || '/t_quantiles.csv', header = true) as t
        on s.customers - 1 between t.df_from and t.df_to
),

estimated as (
    select
        * exclude (m, x),
        case estimator when 'net' then 100 * m when 'total' then round(x, 6) else m end as value,
        case interval_method
            when 'wilson' then wilson_limit(m, n_effective, -1)
            when 'adjusted_wald' then 100 * net_limit(m, xx / w, n_effective, -1)
            when 'compound_poisson'
                then greatest(round(x - getvariable('z') * sqrt(cxx), 6), scale_min)
            else if(half_width is null, null, greatest(m - half_width, scale_min))
        end as ci_low,
        case interval_method
            when 'wilson' then wilson_limit(m, n_effective, 1)
            when 'adjusted_wald' then 100 * net_limit(m, xx / w, n_effective, 1)
            when 'compound_poisson'
                then greatest(round(x + getvariable('z') * sqrt(cxx), 6), scale_min)
            else if(half_width is null, null, least(m + half_width, scale_max))
        end as ci_high
    from sized
)

select
    e.metric_id,
    c.metric_version,
    e.period_type,
    e.period_start,
    e.journey_stage,
    e.channel,
    e.touchpoint_id,
    e.persona_id,
    if(c.unit = 'currency', 'EUR', c.unit) as unit,
    e.n::bigint as n,
    round(e.n_effective, 6) as n_effective,
    round(e.value, 9) as value,
    -- a limit beside the figure is widened to hold it
    if(e.ci_low is null, null, least(round(e.ci_low, 9), round(e.value, 9))) as ci_low,
    if(e.ci_high is null, null, greatest(round(e.ci_high, 9), round(e.value, 9))) as ci_high,
    e.n < getvariable('small_n') as is_small_sample
from (
    select * from estimated
    union all by name
    select * from metric_quantiles
) as e
inner join catalogue as c on e.metric_id = c.metric_id;

-- @ journey_steps
create or replace table journey_steps as
select
    journey_id,
    part_of,
    unnest(steps) as event_name,
    generate_subscripts(steps, 1) as step_number
from (values
    ('purchase', null, [
        'view_item', 'add_to_cart', 'begin_checkout', 'add_shipping_info', 'add_payment_info',
        'purchase'
    ]),
    ('product_choice', 'purchase', ['view_item_list', 'view_item', 'add_to_cart']),
    ('checkout', 'purchase', [
        'begin_checkout', 'add_shipping_info', 'add_payment_info', 'purchase'
    ]),
    ('site_search', null, ['view_search_results', 'view_item', 'add_to_cart']),
    ('product_video', null, ['video_start', 'video_progress', 'video_complete']),
    ('goods_return', null, ['return_start', 'return_submit']),
    ('claim', null, ['claim_start', 'claim_submit'])
) as j (journey_id, part_of, steps);

-- what of each step a visit met from the first step on
create or replace table steps_met as
with met as (
    select
        session_key(client_id, session_ref) as session_key,
        event_name,
        list(occurred_at) as times
    from web_events
    where event_name in (select event_name from journey_steps)
    group by client_id, session_ref, event_name
),

entered as (
    select met.session_key, s.journey_id, list_min(met.times) as entered_at
    from met
    inner join journey_steps as s on met.event_name = s.event_name and s.step_number = 1
),

followed as (
    select
        e.session_key,
        e.journey_id,
        s.step_number,
        list_filter(met.times, lambda t: t >= e.entered_at) as times
    from entered as e
    inner join met on e.session_key = met.session_key
    inner join journey_steps as s on e.journey_id = s.journey_id and met.event_name = s.event_name
)

select
    session_key,
    journey_id,
    step_number,
    len(times) as meeting_count,
    list_min(times) as reached_at,
    list_max(times) as last_met_at
from followed
where len(times) > 0;

-- Visits alike in what attempts are told apart by are of one kind, of which there are few: kinds
-- are placed in cells, not attempts.
create or replace table attempts as
select
    row_number() over () as attempt,
    a.session_key,
    a.journey_id,
    a.deepest_step,
    a.last_met_at,
    a.deepest_step = lengths.step_count as is_completed,
    v.customer_id,
    v.session_date,
    v.platform,
    v.device_category,
    v.browser,
    v.persona_id,
    v.channel_group,
    v.traffic_campaign,
    v.search_intent,
    dense_rank() over (
        order by v.platform, v.device_category, v.browser, v.persona_id, v.channel_group,
            v.traffic_campaign, v.search_intent
    ) as kind
from (
    select
        session_key,
        journey_id,
        max(step_number) as deepest_step,
        max(last_met_at) as last_met_at
    from steps_met
    group by session_key, journey_id
) as a
inner join visits as v on a.session_key = v.session_key
inner join (
    select journey_id, max(step_number) as step_count from journey_steps group by journey_id
) as lengths on a.journey_id = lengths.journey_id;

-- One at a time; days are for what may break, not for campaigns.
create or replace table kind_segments as
select kind, unnest([
    {'dimension': 'all', 'has_days': true, 'segment': 'all'},
    {'dimension': 'channel', 'has_days': true, 'segment': platform},
    {'dimension': 'device', 'has_days': true, 'segment': device_category},
    {'dimension': 'browser', 'has_days': true, 'segment': device_category || ' / ' || browser},
    {'dimension': 'persona', 'has_days': false, 'segment': persona_id},
    {'dimension': 'channel_group', 'has_days': false, 'segment': channel_group},
    {'dimension': 'campaign', 'has_days': false, 'segment': coalesce(traffic_campaign, 'unknown')},
    {
        'dimension': 'search_intent', 'has_days': false,
        'segment': coalesce(search_intent, 'no_search')
    }
], recursive := true)
from (
    select distinct
        kind, platform, device_category, browser, persona_id, channel_group, traffic_campaign,
        search_intent
    from attempts
);

-- Segments too small to be shown stand together as `other`, with the next larger one where they
-- would still be too few. `sizes` has one row per whole, dimension and segment.
create or replace macro pooled(sizes) as table
select
    whole,
    dimension,
    segment,
    case
        when dimension = 'all' then segment
        when n < getvariable('shown_n') then 'other'
        when small_n between 1 and getvariable('shown_n') - 1 and place = small_count + 1
            then 'other'
        else segment
    end as shown_segment
from (
    select
        *,
        coalesce(sum(n) filter (where n < getvariable('shown_n')) over whole_of, 0) as small_n,
        count(*) filter (where n < getvariable('shown_n')) over whole_of as small_count,
        row_number() over (partition by whole, dimension order by n, segment) as place
    from query_table(sizes)
    window whole_of as (partition by whole, dimension)
);

-- @ mart_journey_funnels
create or replace temp table funnels as
select
    row_number() over () as whole, *
from (
    select distinct a.journey_id, p.period_type, p.period_start
    from attempts as a
    inner join periods as p on a.session_date = p.day
);

create or replace temp table tried as
select
    f.whole,
    f.period_type,
    a.attempt,
    a.customer_id,
    a.kind,
    a.deepest_step,
    count(*) over (partition by f.whole, a.customer_id) as tries
from attempts as a
inner join periods as p on a.session_date = p.day
inner join funnels as f
    on
        a.journey_id = f.journey_id
        and p.period_type = f.period_type
        and p.period_start = f.period_start;

create or replace temp table funnel_kinds as
select t.whole, t.kind, s.dimension, s.segment, t.n
from (
    select whole, period_type, kind, count(*) as n from tried group by all
) as t
inner join kind_segments as s on t.kind = s.kind and (s.has_days or t.period_type <> 'day');

create or replace temp table funnel_sizes as
select whole, dimension, segment, sum(n) as n from funnel_kinds group by all;

create or replace temp table funnel_cells as
select *, dense_rank() over (order by whole, dimension, shown_segment) as cell
from pooled('funnel_sizes');

create or replace temp table kinds_in_funnels as
select k.whole, k.kind, c.cell
from funnel_kinds as k
inner join funnel_cells as c
    on k.whole = c.whole and k.dimension = c.dimension and k.segment = c.segment;

create table marts.mart_journey_funnels as
with
-- who tried once in a period needs no clustering by customer
counted as (
    select c.cell, t.customer_id, t.deepest_step, sum(t.n) as n
    from (
        select
            whole, kind, if(tries > 1, customer_id, null) as customer_id, deepest_step,
            count(*) as n
        from tried
        group by all
    ) as t
    inner join kinds_in_funnels as c on t.whole = c.whole and t.kind = c.kind
    group by all
),

by_customer as (
    select
        c.cell,
        c.customer_id,
        s.step_number,
        sum(c.n)::double as n,
        coalesce(sum(c.n) filter (where c.deepest_step > s.step_number), 0)::double as continued
    from counted as c
    inner join range(1, 7) as s (step_number) on c.deepest_step >= s.step_number
    group by all
),

clustered as (
    select
        b.cell,
        b.step_number,
        sum(b.n) as n,
        sum(if(b.customer_id is null, b.n, b.n * b.n)) as nn,
        sum(b.continued) as continued,
        sum(if(b.customer_id is null, b.continued, b.continued * b.continued)) as cc,
        sum(if(b.customer_id is null, b.continued, b.continued * b.n)) as cn,
        sum(if(b.customer_id is null, b.n, b.n * e.n)) as n_entered
    from by_customer as b
    left join by_customer as e
        on b.cell = e.cell and b.customer_id = e.customer_id and e.step_number = 1
    group by all
),

-- who is seen at a later step has passed the ones before it, whether or not their events came
passed as (
    select
        a.attempt,
        s.step_number,
        coalesce(m.meeting_count, 0) as meeting_count,
        seconds_between(
            m.reached_at,
            lead(m.reached_at) over (partition by a.attempt order by s.step_number)
        ) as seconds_to_next
    from attempts as a
    inner join range(1, 7) as s (step_number) on a.deepest_step >= s.step_number
    left join steps_met as m
        on
            a.session_key = m.session_key
            and a.journey_id = m.journey_id
            and s.step_number = m.step_number
),

meetings as (
    select c.cell, m.step_number, sum(m.repeated) as repeated, sum(m.unseen) as unseen
    from (
        select
            t.whole,
            t.kind,
            p.step_number,
            count(*) filter (where p.meeting_count > 1) as repeated,
            count(*) filter (where p.meeting_count = 0) as unseen
        from passed as p
        inner join tried as t on p.attempt = t.attempt
        group by all
    ) as m
    inner join kinds_in_funnels as c on m.whole = c.whole and m.kind = c.kind
    group by all
),

timed as (
    select
        c.cell,
        p.step_number,
        count(*) as timed_count,
        quantile_cont(p.seconds_to_next, [0.5, 0.9]) as seconds
    from passed as p
    inner join tried as t on p.attempt = t.attempt
    inner join kinds_in_funnels as c on t.whole = c.whole and t.kind = c.kind
    where p.seconds_to_next >= 0
    group by all
),

-- a row for every step of a funnel that somebody entered
shares as (
    select
        f.journey_id,
        f.period_type,
        f.period_start,
        f.dimension,
        f.segment,
        s.part_of,
        s.step_number,
        s.event_name,
        s.step_number = max(s.step_number) over (partition by f.cell) as is_last_step,
        e.n as entered,
        coalesce(c.n, 0) as n,
        coalesce(c.continued, 0) as continued,
        coalesce(c.n, 0) / e.n as reached_share,
        c.continued / c.n as through_share,
        e.n / design_effect(
            coalesce(c.n, 0) / e.n, coalesce(c.n, 0), coalesce(c.n, 0), e.n,
            coalesce(c.nn, 0), coalesce(c.n_entered, 0), e.nn
        ) as effective_entered,
        c.n / design_effect(
            c.continued / c.n, c.continued, c.continued, c.n, c.cc, c.cn, c.nn
        ) as effective_n,
        coalesce(m.repeated, 0) as repeated,
        coalesce(m.unseen, 0) as unseen,
        coalesce(t.timed_count, 0) as timed_count,
        t.seconds
    from (
        select distinct
            c.cell, w.journey_id, w.period_type, w.period_start, c.dimension,
            c.shown_segment as segment
        from funnel_cells as c
        inner join funnels as w on c.whole = w.whole
    ) as f
    inner join journey_steps as s on f.journey_id = s.journey_id
    inner join clustered as e on f.cell = e.cell and e.step_number = 1
    left join clustered as c on f.cell = c.cell and s.step_number = c.step_number
    left join meetings as m on f.cell = m.cell and s.step_number = m.step_number
    left join timed as t on f.cell = t.cell and s.step_number = t.step_number
)

select
    journey_id,
    part_of,
    step_number,
    event_name,
    is_last_step,
    period_type,
    period_start,
    dimension,
    segment,
    entered::bigint as entered_count,
    if(step_number = 1 or is_entry_shown, n, null)::bigint as n,
    if(is_entry_shown, round(reached_share, 9), null) as reached_share,
    if(is_entry_shown, round(wilson_limit(reached_share, effective_entered, -1), 9), null)
        as reached_share_ci_low,
    if(is_entry_shown, round(wilson_limit(reached_share, effective_entered, 1), 9), null)
        as reached_share_ci_high,
    if(is_step_shown, round(through_share, 9), null) as step_through_share,
    if(is_step_shown, round(wilson_limit(through_share, effective_n, -1), 9), null)
        as step_through_share_ci_low,
    if(is_step_shown, round(wilson_limit(through_share, effective_n, 1), 9), null)
        as step_through_share_ci_high,
    if(is_step_shown, round(1 - through_share, 9), null) as drop_off_share,
    if(is_entry_shown and not is_last_step, n - continued, null)::bigint as dropped_count,
    if(is_entry_shown and n >= getvariable('shown_n'), round(repeated / n, 9), null)
        as repeated_share,
    if(is_entry_shown, unseen, null)::bigint as unseen_count,
    timed_count,
    if(timed_count >= getvariable('shown_n'), seconds[1], null) as median_seconds_to_next,
    if(timed_count >= getvariable('shown_n'), seconds[2], null) as p90_seconds_to_next,
    n < getvariable('shown_n') as is_suppressed,
    n < getvariable('small_n') as is_small_sample
from (
    select
        *,
        entered >= getvariable('shown_n') as is_entry_shown,
        not is_last_step and n >= getvariable('shown_n') as is_step_shown
    from shares
);

-- @ journey_paths
-- Where a journey ended, and where a customer's way stands: what was met around it, the same place
-- again within half a day once.
create or replace table anchors as
select
    row_number() over () as path,
    *
from (
    select
        customer_id,
        journey_id,
        if(is_completed, 'goal', 'left') as anchor,
        deepest_step as step_number,
        last_met_at as anchored_at,
        kind
    from attempts
    union all
    select
        customer_id, 'relationship', if(lifecycle_status = 'lapsed', 'lapsed', 'buying'), 1,
        last_touchpoint_at, null
    from marts.dim_customers
    where lifecycle_status in ('new', 'active', 'lapsed') and last_touchpoint_at is not null
);

create or replace table paths as
with marked as (
    select
        customer_id,
        occurred_at,
        touchpoint_id,
        lag(touchpoint_id) over in_order is distinct from touchpoint_id
        or occurred_at > lag(occurred_at) over in_order + interval 12 hours as is_place
    from marts.fct_touchpoints
    where customer_id in (select customer_id from anchors)
    window in_order as (partition by customer_id order by occurred_at, touchpoint_id)
),

stops as (
    select
        customer_id,
        occurred_at,
        touchpoint_id,
        row_number() over (partition by customer_id order by occurred_at, touchpoint_id) as stop
    from marked
    where is_place
),

located as (
    select a.*, s.stop
    from anchors as a
    asof inner join (
        select customer_id, occurred_at, max(stop) as stop from stops group by all
    ) as s
        on a.customer_id = s.customer_id and a.anchored_at >= s.occurred_at
)

select
    l.path,
    l.customer_id,
    l.journey_id,
    l.anchor,
    l.step_number,
    l.kind,
    local_date(l.anchored_at) as anchored_date,
    s.stop - l.stop as position,
    s.touchpoint_id
from located as l
inner join stops as s on l.customer_id = s.customer_id and s.stop between l.stop - 4 and l.stop + 3
where
    s.occurred_at between l.anchored_at - interval 30 days and l.anchored_at + interval 7 days;

set variable newest_date = (select max(anchored_date) from paths);

create or replace macro end_of_path(anchored_date) as
if(anchored_date > getvariable('newest_date') - interval 7 days, 'open', 'end');

-- How large a share of a cell's paths each item has, clustered by customer: of items and bases with
-- one row per cell (and item) and customer, and one without a customer for all who are there once.
create or replace macro clustered_shares(items, bases) as table
select
    cell,
    item,
    n,
    base_n,
    round(n / base_n, 9) as share,
    round(wilson_limit(n / base_n, base_n / effect, -1), 9) as share_ci_low,
    round(wilson_limit(n / base_n, base_n / effect, 1), 9) as share_ci_high
from (
    select
        i.cell,
        i.item,
        i.n,
        t.n as base_n,
        design_effect(i.n / t.n, i.n, i.n, t.n, i.cxx, i.cxb, t.cbb) as effect
    from (
        select
            i.cell,
            i.item,
            sum(i.n)::double as n,
            sum(i.n * if(i.customer_id is null, 1, i.n))::double as cxx,
            sum(i.n * coalesce(b.n, 1))::double as cxb
        from query_table(items) as i
        left join query_table(bases) as b on i.cell = b.cell and i.customer_id = b.customer_id
        group by all
    ) as i
    inner join (
        select
            cell,
            sum(n)::double as n,
            sum(n * if(customer_id is null, 1, n))::double as cbb
        from query_table(bases)
        group by all
    ) as t on i.cell = t.cell
);

-- @ mart_journey_leavers
create or replace temp table left_from as
select
    dense_rank() over (
        order by here.journey_id, here.step_number, p.period_type, p.period_start
    ) as whole,
    here.journey_id,
    here.step_number,
    p.period_type,
    p.period_start,
    here.customer_id,
    here.kind,
    coalesce(later.touchpoint_id, end_of_path(here.anchored_date)) as next_touchpoint
from paths as here
inner join periods as p
    on here.anchored_date = p.day and p.period_type in ('month', 'quarter')
left join paths as later on here.path = later.path and later.position = 1
where here.position = 0 and here.anchor = 'left';

create or replace temp table leaver_kinds as
select l.whole, l.kind, s.dimension, s.segment, l.n
from (select whole, kind, count(*) as n from left_from group by all) as l
inner join kind_segments as s on l.kind = s.kind;

create or replace temp table leaver_sizes as
select whole, dimension, segment, sum(n) as n from leaver_kinds group by all;

create or replace temp table leaver_cells as
select *, dense_rank() over (order by whole, dimension, shown_segment) as cell
from pooled('leaver_sizes');

create or replace temp table leavers as
select c.cell, l.next_touchpoint, l.customer_id, sum(l.n) as n
from (
    select
        whole, kind, next_touchpoint, if(times > 1, customer_id, null) as customer_id,
        count(*) as n
    from (select *, count(*) over (partition by whole, customer_id) as times from left_from)
    group by all
) as l
inner join leaver_kinds as k on l.whole = k.whole and l.kind = k.kind
inner join leaver_cells as c
    on k.whole = c.whole and k.dimension = c.dimension and k.segment = c.segment
group by all;

create or replace temp table leaver_items as
with sizes as (
    select cell, next_touchpoint, sum(n) as n from leavers group by all
)

select
    l.cell,
    -- places where few went stand together too
    if(s.n < getvariable('shown_n'), 'other', l.next_touchpoint) as item,
    l.customer_id,
    sum(l.n) as n
from leavers as l
inner join sizes as s on l.cell = s.cell and l.next_touchpoint = s.next_touchpoint
group by all;

create or replace temp table leaver_bases as
select cell, customer_id, sum(n) as n from leaver_items group by all;

create table marts.mart_journey_leavers as
select
    w.journey_id,
    w.step_number,
    w.period_type,
    w.period_start,
    c.dimension,
    c.shown_segment as segment,
    s.item as next_touchpoint,
    s.base_n::bigint as n,
    s.n::bigint as leaver_count,
    if(s.n >= getvariable('shown_n'), s.share, null) as leaver_share,
    if(s.n >= getvariable('shown_n'), s.share_ci_low, null) as leaver_share_ci_low,
    if(s.n >= getvariable('shown_n'), s.share_ci_high, null) as leaver_share_ci_high,
    s.n < getvariable('shown_n') as is_suppressed,
    s.base_n < getvariable('small_n') as is_small_sample
from clustered_shares('leaver_items', 'leaver_bases') as s
inner join (select distinct cell, whole, dimension, shown_segment from leaver_cells) as c
    on s.cell = c.cell
inner join (
    select distinct whole, journey_id, step_number, period_type, period_start from left_from
) as w on c.whole = w.whole
where s.base_n >= getvariable('shown_n');

-- @ mart_journey_links
create or replace temp table path_cells as
select
    * exclude (customer_id),
    if(count(*) over (partition by cell, customer_id) > 1, customer_id, null) as customer_id
from (
    select
        a.path,
        a.customer_id,
        dense_rank() over (
            order by a.journey_id, a.anchor, a.step_number, p.period_type, p.period_start
        ) as cell,
        a.journey_id,
        a.anchor,
        a.step_number,
        p.period_type,
        p.period_start
    from paths as a
    inner join periods as p
        on a.anchored_date = p.day and p.period_type in ('month', 'quarter')
    where a.position = 0
);

create or replace temp table links as
with neighboured as (
    select
        *,
        lag(touchpoint_id) over on_the_way as came_from,
        lead(touchpoint_id) over on_the_way as went_to
    from paths
    window on_the_way as (partition by path order by position)
)

select
    path, position, coalesce(came_from, 'start') as from_touchpoint,
    touchpoint_id as to_touchpoint
from neighboured
where came_from is not null or position > -4
union all
select path, position + 1, touchpoint_id, end_of_path(anchored_date)
from neighboured
where went_to is null and position between 0 and 2;

-- links that few took stand together, place by place
create or replace temp table link_names as
with counted as (
    select c.cell, l.position, l.from_touchpoint, l.to_touchpoint, count(*) as n
    from links as l
    inner join path_cells as c on l.path = c.path
    group by all
),

shown as (
    select
        *,
        if(n < getvariable('shown_n'), 'other', from_touchpoint) as shown_from,
        if(n < getvariable('shown_n'), 'other', to_touchpoint) as shown_to
    from counted
)

select *, dense_rank() over (order by position, shown_from, shown_to) as item from shown;

create or replace temp table link_items as
select c.cell, k.item, c.customer_id, count(*) as n
from links as l
inner join path_cells as c on l.path = c.path
inner join link_names as k
    on
        c.cell = k.cell
        and l.position = k.position
        and l.from_touchpoint = k.from_touchpoint
        and l.to_touchpoint = k.to_touchpoint
group by all;

create or replace temp table link_bases as
select cell, customer_id, count(*) as n from path_cells group by all;

create table marts.mart_journey_links as
select
    c.journey_id,
    c.anchor,
    c.step_number,
    c.period_type,
    c.period_start,
    if(k.position <= 0, 'before', 'after') as direction,
    k.position,
    k.shown_from as from_touchpoint,
    k.shown_to as to_touchpoint,
    s.base_n::bigint as n,
    s.n::bigint as path_count,
    if(s.n >= getvariable('shown_n'), s.share, null) as path_share,
    if(s.n >= getvariable('shown_n'), s.share_ci_low, null) as path_share_ci_low,
    if(s.n >= getvariable('shown_n'), s.share_ci_high, null) as path_share_ci_high,
    s.n < getvariable('shown_n') as is_suppressed,
    s.base_n < getvariable('small_n') as is_small_sample
from clustered_shares('link_items', 'link_bases') as s
inner join (select distinct * exclude (path, customer_id) from path_cells) as c
    on s.cell = c.cell
inner join (select distinct item, position, shown_from, shown_to from link_names) as k
    on s.item = k.item
where s.base_n >= getvariable('shown_n');

-- @ mart_journey_sequences
create or replace temp table sequences as
select
    * exclude (customer_id),
    if(count(*) over (partition by cell, customer_id) > 1, customer_id, null) as customer_id
from (
    select
        dense_rank() over (
            order by a.journey_id, a.anchor, p.period_type, p.period_start
        ) as cell,
        a.journey_id,
        a.anchor,
        p.period_type,
        p.period_start,
        a.customer_id,
        a.sequence
    from (
        select
            path, customer_id, journey_id, anchor, anchored_date,
            string_agg(touchpoint_id, ' > ' order by position) as sequence
        from paths
        where position between -2 and 0
        group by path, customer_id, journey_id, anchor, anchored_date
    ) as a
    inner join periods as p on a.anchored_date = p.day and p.period_type in ('month', 'quarter')
);

create or replace temp table sequence_items as
with sizes as (
    select cell, sequence, count(*) as n from sequences group by all
)

select
    a.cell,
    if(s.n < getvariable('shown_n'), 'other', a.sequence) as item,
    a.customer_id,
    count(*) as n
from sequences as a
inner join sizes as s on a.cell = s.cell and a.sequence = s.sequence
group by all;

create or replace temp table sequence_bases as
select cell, customer_id, sum(n) as n from sequence_items group by all;

create table marts.mart_journey_sequences as
with shares as (
    select c.*, s.item as sequence, s.* exclude (cell, item)
    from clustered_shares('sequence_items', 'sequence_bases') as s
    inner join (
        select distinct cell, journey_id, anchor, period_type, period_start from sequences
    ) as c on s.cell = c.cell
)

select
    s.journey_id,
    s.anchor,
    s.period_type,
    s.period_start,
    s.sequence,
    s.base_n::bigint as n,
    s.n::bigint as path_count,
    if(s.n >= getvariable('shown_n'), s.share, null) as path_share,
    if(s.n >= getvariable('shown_n'), s.share_ci_low, null) as path_share_ci_low,
    if(s.n >= getvariable('shown_n'), s.share_ci_high, null) as path_share_ci_high,
    -- what those did who reached the goal, or stayed, beside those who did not
    o.base_n::bigint as contrast_n,
    o.share as contrast_share,
    s.n < getvariable('shown_n') as is_suppressed,
    s.base_n < getvariable('small_n') as is_small_sample
from shares as s
left join shares as o
    on
        s.journey_id = o.journey_id
        and s.period_type = o.period_type
        and s.period_start = o.period_start
        and s.sequence = o.sequence
        and s.sequence <> 'other'
        and o.n >= getvariable('shown_n')
        and o.anchor = case s.anchor
            when 'goal' then 'left'
            when 'left' then 'goal'
            when 'lapsed' then 'buying'
            else 'lapsed'
        end
where s.base_n >= getvariable('shown_n');

-- @ publication
checkpoint marts;

copy marts.fct_sessions to (getvariable('published') || '/fct_sessions.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.fct_orders to (getvariable('published') || '/fct_orders.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.fct_touchpoints to (getvariable('published') || '/fct_touchpoints.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.dim_customers to (getvariable('published') || '/dim_customers.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.mart_customer_timeline to (getvariable('published') || '/mart_customer_timeline.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.fct_stage_transitions to (getvariable('published') || '/fct_stage_transitions.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.mart_journey_metrics to (getvariable('published') || '/mart_journey_metrics.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.mart_journey_funnels to (getvariable('published') || '/mart_journey_funnels.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.mart_journey_leavers to (getvariable('published') || '/mart_journey_leavers.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.mart_journey_links to (getvariable('published') || '/mart_journey_links.parquet')
(format parquet, compression zstd, compression_level 1);

copy marts.mart_journey_sequences to (getvariable('published') || '/mart_journey_sequences.parquet')
(format parquet, compression zstd, compression_level 1);
