{#- What the dashboard calls its figures, by what they are here. -#}
{%- set counts = {
    'rage_click_count': 'RageClickCount',
    'dead_click_count': 'DeadClickCount',
    'backtrack_count': 'QuickbackClick',
    'scroll_reversal_count': 'ExcessiveScroll',
} -%}
with insights as (
    {{ current_rows(source('clarity', 'insights'), ['metricName', '_source_file']) }}
),

figures as (
    select
        insights._source,
        insights.metricName as metric_name,
        regexp_extract(
            insights._source_file, '([0-9]{4}-[0-9]{2}-[0-9]{2})[^/]*$', 1
        ) as interaction_date,
        coalesce(
            {{ json_text('page.value', '$.Url') }}, {{ json_text('page.value', '$.URL') }}
        ) as page_url,
        {{ text_to_number(json_text('page.value', '$.sessionsCount'), 'double') }}
            as session_count,
        {{ text_to_number(json_text('page.value', '$.subTotal'), 'double') }} as metric_count
    from insights
    {{ json_elements('insights.information', 'page') }}
),

located as (
    select
        _source,
        metric_name,
        interaction_date,
        {{ masked_link_path('page_url') }} as page_path,
        session_count,
        metric_count
    from figures
),

-- addresses that differ in their query alone are one page; the visits of a page are told with each
-- figure alike
metric_pages as (
    select
        _source,
        interaction_date,
        page_path,
        metric_name,
        sum(session_count) as session_count,
        sum(metric_count) as metric_count
    from located
    where page_path is not null and metric_count is not null
    group by _source, interaction_date, page_path, metric_name
),

final as (
    select
        {{ surrogate_key(["_source", "'page_interaction'", "interaction_date", "page_path"]) }}
            as page_interaction_key,
        _source as source,
        cast({{ text_to_timestamp('interaction_date') }} as date) as interaction_date,
        page_path,
        cast(null as string) as section,
        max(session_count) as view_count,
        {%- for column, metric_name in counts.items() %}
        max(case when metric_name = '{{ metric_name }}' then metric_count end) as {{ column }},
        {%- endfor %}
        cast(null as double) as reached_count,
        cast(null as double) as dwell_seconds,
        cast(null as double) as click_count,
        cast(null as double) as hover_count
    from metric_pages
    group by _source, interaction_date, page_path
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
