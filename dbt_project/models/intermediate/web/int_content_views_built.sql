with

events as (

    select * from {{ ref('int_web_events_unioned') }}
    where client_id is not null and session_ref is not null

),

sessions as (

    select * from {{ ref('fct_sessions') }}
    -- the company's own visits are no customer's
    where not coalesce(is_internal, false)

),

targets as (

    select * from {{ ref('content_targets') }}

),

touchpoints as (

    select * from {{ ref('touchpoints') }}

),

rules as (

    select * from {{ ref('touchpoint_rules') }}
    where source_kind = 'web_event' and event_name = 'page_view' and page_pattern is not null

),

feedback as (

    select
        web_event_key,
        max(is_useful) as is_useful
    from {{ ref('int_content_feedback_given') }}
    group by web_event_key

),

-- Content is what the tag names so.
content_events as (

    select
        {{ session_key('events.') }} as session_key,
        events.web_event_key,
        events.event_name,
        events.occurred_at,
        events.page_path,
        {{ named_content('events.content_id') }} as content_id,
        events.engagement_seconds,
        events.scroll_share,
        events.video_share
    from events
    where
        events.content_id is not null
        and events.page_path is not null
        -- there it names the section of a page, not what the page holds
        and events.event_name <> 'section_view'

),

views as (

    select
        content_events.session_key,
        content_events.page_path,
        max(content_events.content_id) as content_id,
        min(content_events.occurred_at) as viewed_at,
        -- the time that a page view brings was spent on the page before
        round(
            sum(
                case
                    when content_events.event_name not in ('page_view', 'screen_view')
                        then content_events.engagement_seconds
                end
            ),
            3
        ) as engagement_seconds,
        max(content_events.scroll_share) as scroll_share,
        max(content_events.video_share) as video_share,
        max(feedback.is_useful) as is_useful
    from content_events
    left join feedback on content_events.web_event_key = feedback.web_event_key
    group by content_events.session_key, content_events.page_path

),

-- patterns are compared with the distinct pages, not with every view
pages as (

    select
        page_path,
        max(content_id) as content_id
    from views
    group by page_path

),

placed_pages as (

    select
        pages.page_path,
        coalesce(max(pages.content_id), pages.page_path) as content_id,
        min_by(rules.touchpoint_id, {{ sort_key(['rules.priority', 'rules.rule_id']) }})
            as touchpoint_id,
        min(targets.target_pattern) as target_pattern
    from pages
    left join rules on pages.page_path like rules.page_pattern
    left join targets on pages.page_path like targets.page_pattern
    group by pages.page_path

),

steps as (

    select
        {{ session_key('events.') }} as session_key,
        events.page_path,
        lead(events.page_path) over (
            partition by events.source, events.client_id, events.session_ref
            order by events.occurred_at, events.web_event_key
        ) as next_page_path
    from events
    where events.event_name in ('page_view', 'screen_view')

),

clicks as (

    select
        steps.session_key,
        steps.page_path,
        max(
            case when steps.next_page_path like placed_pages.target_pattern then 1 else 0 end
        ) as has_onward_click
    from steps
    inner join placed_pages on steps.page_path = placed_pages.page_path
    where placed_pages.target_pattern is not null
    group by steps.session_key, steps.page_path

),

final as (

    select
        {{ surrogate_key(["'content_view'", 'views.session_key', 'views.page_path']) }}
            as content_view_key,
        views.session_key,
        placed_pages.content_id,
        views.page_path,
        placed_pages.touchpoint_id,
        touchpoints.stage_id as journey_stage,
        sessions.platform,
        sessions.customer_id,
        sessions.session_date as viewed_date,
        views.viewed_at,
        views.engagement_seconds,
        views.scroll_share,
        views.video_share,
        views.is_useful,
        clicks.has_onward_click
    from views
    inner join sessions on views.session_key = sessions.session_key
    inner join placed_pages on views.page_path = placed_pages.page_path
    left join touchpoints on placed_pages.touchpoint_id = touchpoints.touchpoint_id
    left join clicks
        on
            views.session_key = clicks.session_key
            and views.page_path = clicks.page_path

)

select * from final
