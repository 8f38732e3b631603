{{ read_in_place() }}
{#- Read where it is used: as a CTE of several readers, every event would be kept in memory. -#}
{%- set events -%}
(
        select * from {{ ref('int_web_events_unioned') }}
        where client_id is not null and session_ref is not null
    )
{%- endset %}

with

sessions as (

    select * from {{ ref('fct_sessions') }}
    -- the company's own visits are no customer's
    where not coalesce(is_internal, false)

),

goals as (

    select * from {{ ref('metric_catalogue') }}
    where goal_event is not null

),

goal_sessions as (

    select distinct
        {{ session_key() }} as session_key,
        event_name
    from {{ events }} as events
    where event_name in (select goals.goal_event from goals)

),

-- Of a goal the visits that met it: what it is a share of, all visits, stands in
-- int_visits_observed.
goals_met as (

    select
        {{ goal_record_set('goal_sessions.event_name') }} as metric_id,
        sessions.session_key as record_key,
        sessions.session_date as occurred_date,
        'all' as journey_stage,
        sessions.platform as channel,
        'all' as touchpoint_id,
        sessions.customer_id,
        cast(1 as double) as value_number,
        cast(1 as double) as base_number,
        cast(1 as double) as weight,
        false as is_censored,
        true as is_counted
    from sessions
    inner join goal_sessions on sessions.session_key = goal_sessions.session_key

),

-- A search ends the visit where it is its last one and its results its last page.
searches as (

    select
        events.web_event_key as record_key,
        sessions.session_date as occurred_date,
        'consideration' as journey_stage,
        sessions.platform as channel,
        'site_search' as touchpoint_id,
        sessions.customer_id,
        case
            when
                events.page_path = sessions.exit_page_path
                and row_number() over (
                    partition by sessions.session_key
                    order by events.occurred_at desc, events.web_event_key desc
                ) = 1
                then 1
            else 0
        end as is_last
    from {{ events }} as events
    inner join sessions on {{ session_key('events.') }} = sessions.session_key
    where events.event_name = 'view_search_results'

),

errors as (

    select
        events.web_event_key as record_key,
        sessions.session_date as occurred_date,
        'all' as journey_stage,
        sessions.platform as channel,
        'all' as touchpoint_id,
        sessions.customer_id,
        case
            when row_number() over (
                partition by
                    sessions.customer_id, coalesce(events.error_code, events.event_name)
                order by events.occurred_at, events.web_event_key
            ) > 1 then 1
            else 0
        end as is_met_again
    from {{ events }} as events
    inner join sessions on {{ session_key('events.') }} = sessions.session_key
    where
        {{ is_error_event() }}
        and sessions.customer_id is not null

),

-- Clicks in rage or in vain, where a script of the site sends them as events. A site without the
-- script has none to count, which is not the same as zero.
frustrations as (

    select
        {{ session_key() }} as session_key,
        count(*) as click_count
    from {{ events }} as events
    where event_name in ('rage_click', 'dead_click')
    group by {{ session_key() }}

),

frustrated as (

    select
        sessions.session_key as record_key,
        sessions.session_date as occurred_date,
        'all' as journey_stage,
        sessions.platform as channel,
        'all' as touchpoint_id,
        sessions.customer_id,
        coalesce(frustrations.click_count, 0) as click_count,
        sessions.page_view_count
    from sessions
    left join frustrations on sessions.session_key = frustrations.session_key
    where
        sessions.page_view_count > 0
        and sessions.platform in (
            select measured.platform
            from sessions as measured
            inner join frustrations as sent on measured.session_key = sent.session_key
        )

),

-- Sections of a page, where a script of the site tells which came into sight.
sections_reached as (

    select distinct
        {{ session_key() }} as session_key,
        page_path,
        content_id as section
    from {{ events }} as events
    where
        event_name = 'section_view'
        and {{ named_content('content_id') }} is not null
        and page_path is not null

),

page_visits as (

    select distinct
        {{ session_key() }} as session_key,
        page_path
    from {{ events }} as events
    where
        event_name in ('page_view', 'screen_view')
        and page_path in (select told.page_path from sections_reached as told)

),

section_views as (

    select
        {{ surrogate_key(['sessions.session_key', 'sections.page_path', 'sections.section']) }}
            as record_key,
        sessions.session_date as occurred_date,
        'all' as journey_stage,
        sessions.platform as channel,
        'all' as touchpoint_id,
        sessions.customer_id,
        case when reached.section is null then 0 else 1 end as is_reached
    from page_visits
    inner join sessions on page_visits.session_key = sessions.session_key
    inner join (
        select distinct
            named.page_path,
            named.section
        from sections_reached as named
    ) as sections on page_visits.page_path = sections.page_path
    left join sections_reached as reached
        on
            page_visits.session_key = reached.session_key
            and sections.page_path = reached.page_path
            and sections.section = reached.section

),

-- Load metrics by their standard names, as the web-vitals library sends them (milliseconds).
loads as (

    select
        events.web_event_key as record_key,
        sessions.session_date as occurred_date,
        'all' as journey_stage,
        sessions.platform as channel,
        'all' as touchpoint_id,
        sessions.customer_id,
        events.event_name,
        cast(events.event_value as double) as measured
    from {{ events }} as events
    inner join sessions on {{ session_key('events.') }} = sessions.session_key
    where events.event_name in ('LCP', 'INP', 'CLS', 'TTFB') and events.event_value is not null

),

final as (

    select * from goals_met
    union all
    {{ observe('searches', [
        {'metric_id': 'site_search_exit', 'value': 'is_last'},
    ]) | indent(4) }}
    union all
    {{ observe('errors', [
        {'metric_id': 'repeated_error_rate', 'value': 'is_met_again'},
    ]) | indent(4) }}
    union all
    {{ observe('frustrated', [
        {
            'metric_id': 'cursor_interaction',
            'value': 'click_count',
            'base': 'page_view_count',
        },
    ]) | indent(4) }}
    union all
    {{ observe('section_views', [
        {'metric_id': 'section_interest', 'value': 'is_reached'},
    ]) | indent(4) }}
    union all
    {{ observe('loads', [
        {
            'metric_id': 'page_speed_lcp',
            'value': 'measured / 1000',
            'where': "event_name = 'LCP'",
        },
        {
            'metric_id': 'page_speed_inp',
            'value': 'measured / 1000',
            'where': "event_name = 'INP'",
        },
        {
            'metric_id': 'page_speed_ttfb',
            'value': 'measured / 1000',
            'where': "event_name = 'TTFB'",
        },
        {'metric_id': 'page_speed_cls', 'value': 'measured', 'where': "event_name = 'CLS'"},
    ]) | indent(4) }}

)

select * from final
