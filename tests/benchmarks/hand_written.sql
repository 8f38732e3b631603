-- What one would write by hand with DuckDB alone, from the same vendor files to the same tables, as
-- the measure of what the warehouse costs on top. It yields, beside the steps in between,
--
--   sessions        fct_sessions without session numbers, stream, browser and app columns
--   orders          fct_orders without the currency columns: everything here is in euros
--   touchpoints     fct_touchpoints
--   customers       dim_customers without CRM, consent, lifecycle and last-score columns
--   journey_days    mart_journey_metrics by day over all channels and stages: conversion of visits
--                   and of visitors, NPS, mean CES, average order value; without intervals,
--                   suppression, trust, and weeks, months, quarters
--
-- What the warehouse does and this does not: keep a raw zone, quarantine, ledger and history of
-- customer ids; judge tracking; guard identity against shared devices, blocked values and groups
-- that are too large; hash e-mail addresses; hide personal data in page addresses; read other
-- vendors. A test compares every column that is here with the warehouse's, row for row.
--
-- Variables: `exports`, the folder of the vendor files; `rules`, the folder of the reference tables.

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
        user_id,
        event_date,
        md5(event_params::varchar) as params_digest,
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
        coalesce(
            texts[list_position(keys, 'transaction_id')], ecommerce.transaction_id
        ) as transaction_id,
        texts[list_position(keys, 'error_code')] as error_code
    from delivered
)

select * exclude (event_date, params_digest)
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
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) as event_count,
        count(*) filter (where event_name = 'page_view') as page_view_count,
        count(*) filter (where event_name = 'view_search_results') as search_count,
        count(*) filter (where error_code is not null) as error_count,
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
                'language': language
            },
            occurred_at
        ) as entry,
        min(occurred_at) filter (where event_name = 'view_item') as item_viewed_at,
        min(occurred_at) filter (where event_name = 'add_to_cart') as cart_added_at,
        min(occurred_at) filter (where event_name = 'begin_checkout') as checkout_begun_at,
        min(occurred_at) filter (where event_name = 'add_payment_info') as payment_added_at,
        min(occurred_at) filter (where event_name = 'purchase') as purchased_at,
        min_by(transaction_id, occurred_at) filter (where event_name = 'purchase')
            as transaction_id,
        bool_or(event_name = 'login') as has_login
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
    started_at,
    ended_at,
    cast(timezone('Europe/Helsinki', timezone('UTC', started_at)) as date) as session_date,
    (epoch_us(ended_at) - epoch_us(started_at)) / 1000000.0::double as duration_seconds,
    engagement_seconds,
    coalesce(is_called_engaged, false)
    or coalesce(engagement_seconds, 0) >= 10
    or page_view_count >= 2
    or purchased_at is not null as is_engaged,
    user_id,
    user_count,
    event_count,
    page_view_count,
    search_count,
    error_count,
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
    landing.path as landing_page_path,
    exit_page_path,
    entry.device as device_category,
    entry.system as operating_system,
    entry.browser as browser,
    entry.country as country,
    entry.language as language,
    item_viewed_at,
    cart_added_at,
    checkout_begun_at,
    payment_added_at,
    purchased_at,
    purchased_at is not null as has_purchase,
    transaction_id,
    has_login
from named;

-- @ records
create or replace table order_rows as
select
    id::varchar as order_id,
    replace(name, '#', '') as transaction_ref,
    created_at::timestamp as ordered_at,
    total_price::decimal(18, 2) as total_amount,
    coalesce(list_sum(list_transform(
        refunds,
        lambda refund: list_sum(list_transform(refund.transactions, lambda t: t.amount::double))
    )), 0)::decimal(18, 2) as refund_amount,
    financial_status as status,
    len(line_items) as line_count,
    email,
    customer.id::varchar as customer_ref,
    list_filter(note_attributes, lambda a: a.name = 'ga_client_id')[1].value as client_id,
    list_filter(note_attributes, lambda a: a.name = 'user_id')[1].value as user_id
from read_json(
    getvariable('exports') || '/shopify/orders_*.jsonl',
    format = 'newline_delimited',
    columns = {
        'id': 'bigint', 'name': 'varchar', 'email': 'varchar', 'created_at': 'varchar',
        'updated_at': 'varchar', 'total_price': 'varchar', 'financial_status': 'varchar',
        'note_attributes': 'struct(name varchar, value varchar)[]',
        'customer': 'struct(id bigint)',
        'line_items': 'struct(id bigint)[]',
        'refunds': 'struct(transactions struct(amount varchar)[])[]'
    }
)
qualify row_number() over (partition by id order by updated_at desc) = 1;

create or replace table responses as
select
    respondent_id,
    email,
    timezone('UTC', timezone('Europe/Helsinki', completed_at::timestamp)) as submitted_at,
    completed_at::timestamp::date as submitted_date,
    nps::double as nps,
    ces::double as ces
from read_csv(
    getvariable('exports') || '/questback/responses_*.csv', delim = ';', header = true,
    all_varchar = true
);

create or replace table tickets as
select
    t.id::varchar as ticket_id,
    u.email,
    t.created_at::timestamp as created_at
from read_json(
    getvariable('exports') || '/zendesk/tickets_*.jsonl', format = 'newline_delimited',
    columns = {'id': 'bigint', 'requester_id': 'bigint', 'created_at': 'varchar'}
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
    properties.web_user_id as user_id
from read_json(
    getvariable('exports') || '/hubspot/contacts_*.jsonl', format = 'newline_delimited',
    columns = {
        'id': 'varchar', 'updatedAt': 'varchar',
        'properties': 'struct(email varchar, web_user_id varchar)'
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
    "vid-to-merge"::varchar as merged_contact_id
from read_json(
    getvariable('merge_files'), format = 'newline_delimited',
    columns = {'canonical-vid': 'bigint', 'vid-to-merge': 'bigint'}
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
    coalesce(reached.component, nodes.node) as customer
from nodes
left join reached on nodes.node = reached.node;

-- @ orders
create or replace table orders as
with ordering_sessions as (
    select
        transaction_id,
        min_by({'client_id': client_id, 'session_ref': session_ref}, purchased_at) as visit
    from sessions
    where transaction_id is not null
    group by transaction_id
),

counted as (
    select *, status not in ('pending', 'cancelled', 'voided') as is_counted from order_rows
)

select
    counted.order_id,
    counted.ordered_at,
    cast(timezone('Europe/Helsinki', timezone('UTC', counted.ordered_at)) as date) as order_date,
    identifiers.customer,
    visit.client_id as client_id,
    visit.session_ref as session_ref,
    row_number() over (
        partition by identifiers.customer, is_counted order by ordered_at, order_id
    ) as customer_order_number,
    counted.total_amount,
    counted.refund_amount,
    counted.total_amount - counted.refund_amount as net_amount,
    counted.status,
    counted.is_counted,
    counted.line_count
from counted
inner join identifiers on 'ref ' || counted.customer_ref = identifiers.identifier
left join ordering_sessions on counted.transaction_ref = ordering_sessions.transaction_id;

-- @ touchpoints
create or replace table touchpoints as
with rules as (
    select * from read_csv(getvariable('rules') || '/touchpoint_rules.csv', header = true)
),

stages as (
    select touchpoint_id, stage_id, channel
    from read_csv(getvariable('rules') || '/touchpoints.csv', header = true)
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
    select identifier[8:] as client_id, customer from identifiers where kind = 'client'
),

met as (
    select
        'web_event' as source_kind,
        matched_pages.touchpoint_id,
        web_events.occurred_at,
        clients.customer,
        web_events.client_id,
        web_events.session_ref,
        cast(null as decimal(18, 2)) as value_eur
    from web_events
    inner join matched_pages
        on
            web_events.event_name = matched_pages.event_name
            and coalesce(web_events.page_path, '') = matched_pages.page_path
    left join clients on web_events.client_id = clients.client_id
    union all
    select
        'ad', 'ad_click', sessions.started_at, clients.customer,
        sessions.client_id, sessions.session_ref, null
    from sessions
    left join clients on sessions.client_id = clients.client_id
    where channel_group like 'Paid %'
    union all
    select 'order', 'web_purchase', ordered_at, customer, null, null, net_amount from orders
    union all
    select 'survey', 'survey_response', responses.submitted_at, i.customer, null, null, null
    from responses
    inner join identifiers as i on 'email ' || responses.email = i.identifier
    union all
    select 'service_case', 'support_ticket', tickets.created_at, i.customer, null, null, null
    from tickets
    inner join identifiers as i on 'email ' || tickets.email = i.identifier
)

select
    met.*,
    cast(timezone('Europe/Helsinki', timezone('UTC', met.occurred_at)) as date) as occurred_date,
    stages.stage_id as journey_stage
from met
inner join stages on met.touchpoint_id = stages.touchpoint_id;

-- @ customers
create or replace table customers as
with counted as (
    select
        customer,
        count(*) filter (where kind = 'contact') as contact_id_count,
        count(*) filter (where kind = 'user') as user_id_count,
        count(*) filter (where kind = 'ref') as customer_ref_count,
        count(*) filter (where kind = 'email') as email_hash_count,
        count(*) filter (where kind = 'client') as client_id_count,
        bool_or(kind <> 'client') as is_known
    from identifiers
    group by customer
),

visited as (
    select i.customer, count(*) as session_count, max(s.started_at) as last_session_at
    from sessions as s
    inner join identifiers as i on 'client ' || s.client_id = i.identifier
    group by i.customer
),

bought as (
    select
        customer,
        count(*) as order_count,
        count(*) filter (where refund_amount > 0) as refunded_order_count,
        sum(net_amount) as revenue_net_eur,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at
    from orders
    where is_counted
    group by customer
),

encountered as (
    select
        customer,
        count(*) as touchpoint_count,
        min(occurred_at) as first_touchpoint_at,
        max(occurred_at) as last_touchpoint_at
    from touchpoints
    group by customer
),

asked as (
    select i.customer, count(*) as case_count
    from tickets
    inner join identifiers as i on 'email ' || tickets.email = i.identifier
    group by i.customer
)

select
    counted.*,
    coalesce(visited.session_count, 0) as session_count,
    visited.last_session_at,
    coalesce(bought.order_count, 0) as order_count,
    coalesce(bought.refunded_order_count, 0) as refunded_order_count,
    coalesce(bought.revenue_net_eur, 0)::decimal(18, 2) as revenue_net_eur,
    bought.first_order_at,
    bought.last_order_at,
    coalesce(encountered.touchpoint_count, 0) as touchpoint_count,
    encountered.first_touchpoint_at,
    encountered.last_touchpoint_at,
    coalesce(asked.case_count, 0) as case_count
from counted
left join visited on counted.customer = visited.customer
left join bought on counted.customer = bought.customer
left join encountered on counted.customer = encountered.customer
left join asked on counted.customer = asked.customer;

-- @ journey_days
create or replace table journey_days as
select
    'conversion' as metric_id, session_date as period_start, count(*) as n,
    avg(has_purchase::int) as value
from sessions
group by session_date
union all
select
    'conversion_rate', s.session_date, count(distinct i.customer),
    count(distinct case when s.has_purchase then i.customer end) / count(distinct i.customer)
from sessions as s
inner join identifiers as i on 'client ' || s.client_id = i.identifier
group by s.session_date
union all
select
    'nps', submitted_date, count(*),
    100.0 * (count(*) filter (where nps >= 9) - count(*) filter (where nps <= 6)) / count(*)
from responses
group by submitted_date
union all
select 'ces_mean', submitted_date, count(*), avg(ces) from responses group by submitted_date
union all
select 'average_order_value', order_date, count(*), avg(net_amount::double)
from orders
where is_counted
group by order_date;
