with

interactions as (
    select * from {{ ref('int_page_interactions_unioned') }}
),

rules as (
    select * from {{ ref('touchpoint_rules') }}
    where source_kind = 'web_event' and page_pattern is not null
),

touchpoints as (
    select * from {{ ref('touchpoints') }}
),

-- patterns are compared with the distinct pages, not with every row
placed_pages as (
    select
        pages.page_path,
        min_by(rules.touchpoint_id, {{ sort_key(['rules.priority', 'rules.rule_id']) }})
            as touchpoint_id
    from (select distinct page_path from interactions) as pages
    inner join rules on pages.page_path like rules.page_pattern
    group by pages.page_path
),

final as (
    select
        interactions.page_interaction_key,
        interactions.source,
        interactions.interaction_date,
        interactions.page_path,
        interactions.section,
        touchpoints.stage_id as journey_stage,
        placed_pages.touchpoint_id,
        interactions.view_count,
        interactions.reached_count,
        interactions.dwell_seconds,
        interactions.click_count,
        interactions.rage_click_count,
        interactions.dead_click_count,
        interactions.hover_count,
        interactions.backtrack_count,
        interactions.scroll_reversal_count
    from interactions
    left join placed_pages on interactions.page_path = placed_pages.page_path
    left join touchpoints on placed_pages.touchpoint_id = touchpoints.touchpoint_id
)

select * from final
