{{ rebuilt_by('session_key', 'int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_sessions') }}

with

own_hosts as (

    select * from {{ source('plan', 'hosts') }}
    where kind = 'own'

),

-- A host of ours, the domain it lies under, and the bare name of that domain.
own_names as (

    select
        own_name,
        valid_from,
        max(case when name_kind = 'label' then 0 else 1 end) = 1 as is_host
    from (
        select
            host as own_name,
            valid_from,
            'host' as name_kind
        from own_hosts
        union all
        select
            substr(host, length(split_part(host, '.', 1)) + 2) as own_name,
            valid_from,
            'domain' as name_kind
        from own_hosts
        where host like '%.%.%'
        union all
        select
            split_part(host, '.', 2) as own_name,
            valid_from,
            'label' as name_kind
        from own_hosts
        where host like '%.%.%'
    ) as names
    group by own_name, valid_from

),

payment_hosts as (

    select * from {{ source('plan', 'hosts') }}
    where kind = 'payment'

),

mediums as (

    select * from {{ source('plan', 'mediums') }}

),

bot_browsers as (

    select * from {{ source('plan', 'bot_browsers') }}

),

click_ids as (

    select * from {{ source('plan', 'click_ids') }}

),

click_sources as (

    select
        click_id_type,
        valid_from,
        min(traffic_source) as traffic_source
    from click_ids
    group by click_id_type, valid_from

),

properties as (

    select * from {{ source('plan', 'properties') }}

),

-- Not every vendor marks the start of a session with an event.
sources as (

    select
        source,
        max(session_start_count) > 0 as has_starts
    from {{ ref('int_audit_sessions_described') }}
    group by source

),

{% if is_incremental() -%}
-- the first such event of a source, and its last one, say something of all its sessions
judged_before as (

    select
        source,
        count(ses03) > 0 as has_starts
    from {{ this }}
    group by source

),

{% endif -%}
sessions as (

    select * from {{ ref('int_audit_sessions_described') }}
    {%- if is_incremental() %}
    where
        -- whole visitors: a session is judged by the one before it
        (source, client_id) in (
            select (source, client_id) from {{ ref('int_touched_sessions') }}
        )
        or source in (
            select sources.source
            from sources
            left join judged_before on sources.source = judged_before.source
            where sources.has_starts is distinct from judged_before.has_starts
        )
    {%- endif %}

),

sessions_in_order as (

    select
        sessions.*,
        -- The plan that held then: its hosts, mediums and patterns begin on the same day.
        properties.valid_from as plan_from,
        properties.bot_page_views,
        {{ seconds_between(
            'lag(sessions.ended_at) over (partition by sessions.source, sessions.stream_id,'
            ~ ' sessions.client_id order by sessions.started_at, sessions.session_ref)',
            'sessions.started_at'
        ) }} as seconds_since_session,
        sources.has_starts as source_has_starts
    from sessions
    inner join sources on sessions.source = sources.source
    inner join properties
        on {{ plan_holds('properties', 'sessions.event_date') }}

),

-- Patterns run over distinct origins, not over sessions.
origins as (

    select distinct
        plan_from,
        source_lower,
        traffic_source,
        traffic_medium,
        traffic_campaign,
        click_id_type
    from sessions_in_order

),

origins_joined as (

    select
        origins.*,
        coalesce(own_names.is_host, false) as is_self_referral,
        own_names.own_name is not null as is_own_name,
        payment_hosts.host is not null as is_payment_referral,
        mediums.traffic_medium is not null as is_known_medium,
        click_ids.click_id_type is not null as is_paid_as_clicked,
        properties.source_pattern,
        properties.medium_pattern,
        properties.campaign_pattern
    from origins
    inner join properties
        on origins.plan_from = properties.valid_from
    left join own_names
        on
            origins.source_lower = own_names.own_name
            and origins.plan_from = own_names.valid_from
    left join payment_hosts
        on
            origins.plan_from = payment_hosts.valid_from
            and (
                origins.source_lower = payment_hosts.host
                or origins.source_lower like '%.' || payment_hosts.host
            )
    left join mediums
        on
            lower(origins.traffic_medium) = mediums.traffic_medium
            and origins.plan_from = mediums.valid_from
    left join click_ids
        on
            origins.click_id_type = click_ids.click_id_type
            and origins.plan_from = click_ids.valid_from
            and origins.source_lower = click_ids.traffic_source
            and lower(origins.traffic_medium) = click_ids.traffic_medium

),

origins_judged as (

    select
        plan_from,
        source_lower,
        traffic_source,
        traffic_medium,
        traffic_campaign,
        click_id_type,
        case when click_id_type is not null then not is_paid_as_clicked end as att02,
        case when traffic_source is not null then is_self_referral end as att03,
        case when traffic_source is not null then is_payment_referral end as att04,
        case
            when traffic_source is not null
                then
                    not is_known_medium
                    or (
                        lower(traffic_medium) in ('(not set)', '(none)')
                        and source_lower <> '(direct)'
                    )
        end as att05,
        case
            when traffic_source is not null
                then
                    not {{ regex_matches('traffic_source', "coalesce(source_pattern, '')") }}
                    or not {{ regex_matches(
                        "coalesce(traffic_medium, '(none)')", "coalesce(medium_pattern, '')"
                    ) }}
                    or not {{ regex_matches(
                        "coalesce(traffic_campaign, '(none)')", "coalesce(campaign_pattern, '')"
                    ) }}
                    or source_lower in (
                        'cpc', 'email', 'organic', 'referral', 'display', 'paid_social'
                    )
                    -- Campaign tags on links within the site overwrite where the visit came from.
                    or (is_own_name and lower(traffic_medium) <> 'referral')
        end as att07
    from origins_joined

),

joined as (

    select
        sessions.*,
        referrers.host is not null as is_own_referrer,
        bot_browsers.browser is not null as has_bot_browser,
        -- Where this visit itself says that it came from: its click id, else a foreign referrer.
        coalesce(
            click_sources.traffic_source,
            case
                when referrers.host is null and payment_referrers.host is null
                    then nullif(lower(sessions.referrer_host), '')
            end
        ) as own_origin,
        origins_judged.att02,
        origins_judged.att03,
        origins_judged.att04,
        origins_judged.att05,
        origins_judged.att07
    from sessions_in_order as sessions
    left join own_hosts as referrers
        on
            lower(sessions.referrer_host) = referrers.host
            and sessions.plan_from = referrers.valid_from
    left join payment_hosts as payment_referrers
        on
            lower(sessions.referrer_host) = payment_referrers.host
            and sessions.plan_from = payment_referrers.valid_from
    left join bot_browsers
        on
            lower(sessions.browser) = bot_browsers.browser
            and sessions.plan_from = bot_browsers.valid_from
    left join click_sources
        on
            sessions.click_id_type = click_sources.click_id_type
            and sessions.plan_from = click_sources.valid_from
    inner join origins_judged
        on
            sessions.plan_from = origins_judged.plan_from
            and sessions.source_lower is not distinct from origins_judged.source_lower
            and sessions.traffic_source is not distinct from origins_judged.traffic_source
            and sessions.traffic_medium is not distinct from origins_judged.traffic_medium
            and sessions.traffic_campaign is not distinct from origins_judged.traffic_campaign
            and sessions.click_id_type is not distinct from origins_judged.click_id_type

),

judged as (

    select
        session_key,
        source,
        {{ surrogate_key(['source', 'stream_id', 'client_id', 'session_ref']) }} as sample_key,
        started_at as occurred_at,
        event_date,
        platform,
        'session' as subject,
        click_id_type as detail,
        page_path,
        device_category,
        browser,
        app_version,
        has_bot_browser
        or (page_view_count >= bot_page_views and was_engaged = 0 and engagement_seconds = 0)
            as col07,
        case when source_has_starts then session_start_count <> 1 end as ses03,
        -- A broken linker may also give the visitor a new client id: then it is the first session.
        is_own_referrer
        and coalesce(seconds_since_session between 0 and 1800, true) as ses04,
        -- GA4 opens a session with session_start and a page: a session of one event was thinned.
        event_count = 1 as ses08,
        case when user_count > 0 then user_count > 1 and logout_count = 0 end as ses09,
        case when purchase_count > 0 then begin_checkout_count = 0 end as gol07,
        case
            when
                session_number > 1
                and source_lower is not null
                and position(first_user_source in own_origin) = 0
                then source_lower = first_user_source
        end as att01,
        att02,
        att03,
        att04,
        att05,
        -- Apps are opened from the device's own screen: always direct.
        case
            when platform = 'web'
                then
                    coalesce(source_lower, '(direct)') = '(direct)'
                    and click_id_type is null
                    and coalesce(referrer_host, '') = ''
        end as att06,
        att07
    from joined

)

select * from judged
