{{ written_by_difference() }}
with

views as (

    select * from {{ ref('int_content_views_built') }}

),

settings as (

    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('min_published_n') }} as min_published_n

),

dated as (

    select
        views.*,
        period_types.period_type,
        {{ period_start('views.viewed_date', 'period_types.period_type') }} as period_start
    from views
    cross join (
        {{- period_types(['month', 'quarter']) | indent(4) }}
    ) as period_types

),

counted as (

    select
        period_type,
        period_start,
        content_id,
        min(touchpoint_id) as touchpoint_id,
        min(page_path) as page_path,
        count(*) as view_count,
        count(engagement_seconds) as timed_view_count,
        {{ quantile('engagement_seconds', 0.5) }} as content_time_seconds,
        count(scroll_share) as scrolled_view_count,
        -- as doubles: Spark's mean of decimals keeps few decimals
        avg(cast(
            case when scroll_share >= 0.9 then 1 when scroll_share is not null then 0 end as double
        )) as scroll_to_end,
        count(video_share) as video_view_count,
        avg(cast(
            case when video_share >= 0.9 then 1 when video_share is not null then 0 end as double
        )) as video_to_end,
        count(has_onward_click) as targeted_view_count,
        avg(cast(has_onward_click as double)) as click_through,
        count(is_useful) as feedback_count,
        avg(cast(is_useful as double)) as content_feedback
    from dated
    group by period_type, period_start, content_id

),

bounded as (

    select
        counted.*,
        settings.min_published_n,
        -- noqa: disable=LT02
        {%- for limit, sign in [('content_feedback_low', '-'), ('content_feedback_high', '+')] %}
        case
            when counted.feedback_count >= settings.min_published_n
                then {{ wilson_limit(
                    'counted.content_feedback', 'counted.feedback_count', 'settings.z', sign
                ) }}
        end as {{ limit }}{{ "," if not loop.last }}
        {%- endfor %}
    -- noqa: enable=LT02
    from counted
    cross join settings

),

final as (

    select
        period_type,
        period_start,
        content_id,
        page_path,
        touchpoint_id,
        -- by the lower limit: nine of ten is worth more than one of one
        cast(
            case
                when content_feedback_low is not null
                    then row_number() over (
                        partition by period_type, period_start
                        order by coalesce(content_feedback_low, -1) desc, content_id asc
                    )
            end as bigint
        ) as usefulness_rank,
        cast(view_count as bigint) as view_count,
        cast(feedback_count as bigint) as feedback_count,
        round(
            case when feedback_count >= min_published_n then content_feedback end, 9
        ) as content_feedback,
        round(content_feedback_low, 9) as content_feedback_low,
        round(content_feedback_high, 9) as content_feedback_high,
        round(
            case when timed_view_count >= min_published_n then content_time_seconds end, 9
        ) as content_time_seconds,
        round(cast(
            case when scrolled_view_count >= min_published_n then scroll_to_end end as double
        ), 9) as scroll_to_end,
        round(cast(
            case when video_view_count >= min_published_n then video_to_end end as double
        ), 9) as video_to_end,
        round(
            case when targeted_view_count >= min_published_n then click_through end, 9
        ) as click_through
    from bounded

)

select * from final
