with mapped as (
    {{ current_rows(
        source('generic', 'page_interactions'), ['interaction_date', 'page_url', 'section']
    ) }}
),

final as (
    select
        {{ surrogate_key([
            "_source", "'page_interaction'", "interaction_date", "page_url", "section",
        ]) }} as page_interaction_key,
        _source as source,
        cast({{ mapped_timestamp('interaction_date') }} as date) as interaction_date,
        {{ masked_link_path('page_url') }} as page_path,
        {{ blank_to_null('section') }} as section,
        {{ text_to_number('view_count', 'double') }} as view_count,
        {{ text_to_number('reached_count', 'double') }} as reached_count,
        {{ text_to_number('dwell_seconds', 'double') }} as dwell_seconds,
        {{ text_to_number('click_count', 'double') }} as click_count,
        {{ text_to_number('rage_click_count', 'double') }} as rage_click_count,
        {{ text_to_number('dead_click_count', 'double') }} as dead_click_count,
        {{ text_to_number('hover_count', 'double') }} as hover_count,
        {{ text_to_number('backtrack_count', 'double') }} as backtrack_count,
        {{ text_to_number('scroll_reversal_count', 'double') }} as scroll_reversal_count
    from mapped
)

select
    page_interaction_key,
    source,
    interaction_date,
    page_path,
    section,
    view_count,
    reached_count,
    dwell_seconds,
    click_count,
    rage_click_count,
    dead_click_count,
    hover_count,
    backtrack_count,
    scroll_reversal_count
from final
