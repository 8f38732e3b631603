{{ read_in_place() }}
with

views as (

    select
        content_view_key as record_key,
        viewed_date as occurred_date,
        journey_stage,
        platform as channel,
        touchpoint_id,
        customer_id,
        engagement_seconds,
        scroll_share,
        video_share,
        has_onward_click,
        is_useful
    from {{ ref('int_content_views_built') }}

),

final as (

    {{ observe('views', [
        {
            'metric_id': 'content_time_seconds',
            'value': 'engagement_seconds',
            'where': 'engagement_seconds is not null',
        },
        {
            'metric_id': 'content_time_seconds_p90',
            'value': 'engagement_seconds',
            'where': 'engagement_seconds is not null',
        },
        {
            'metric_id': 'scroll_depth',
            'value': 'scroll_share',
            'where': 'scroll_share is not null',
        },
        {
            'metric_id': 'scroll_to_end',
            'value': 'case when scroll_share >= 0.9 then 1 else 0 end',
            'where': 'scroll_share is not null',
        },
        {
            'metric_id': 'video_watched_share',
            'value': 'video_share',
            'where': 'video_share is not null',
        },
        {
            'metric_id': 'video_to_end',
            'value': 'case when video_share >= 0.9 then 1 else 0 end',
            'where': 'video_share is not null',
        },
        {
            'metric_id': 'click_through',
            'value': 'has_onward_click',
            'where': 'has_onward_click is not null',
        },
        {
            'metric_id': 'content_feedback',
            'value': 'is_useful',
            'where': 'is_useful is not null',
        },
    ]) | indent(4) }}

)

select * from final
