{{ written_by_difference() }}
{{ wide_metrics([
    'content_usefulness',
    'site_search_exit',
    'page_speed_lcp',
    'section_interest',
    'content_time_seconds',
    'scroll_depth',
    'scroll_to_end',
    'video_watched_share',
    'video_to_end',
    'click_through',
    'content_feedback',
    'search_landing_engagement',
    'page_frustration',
]) }}
