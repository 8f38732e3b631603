{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

with

page_groups as (

    select * from {{ source('plan', 'page_groups') }}

),

events as (

    select
        source,
        partition_date,
        event_date,
        platform,
        event_name,
        -- Of pages alone the path is kept: with that of every event this would be as long as they.
        case when event_name in ('page_view', 'screen_view') then page_path end as page_path,
        count(*) as event_count
    from {{ ref('int_web_events_landed') }}
    where not is_duplicate and not is_superseded and {{ on_touched_days }}
    group by
        source,
        partition_date,
        event_date,
        platform,
        event_name,
        case when event_name in ('page_view', 'screen_view') then page_path end

),

united as (

    select
        source,
        partition_date,
        event_date,
        platform,
        'event' as series_kind,
        event_name as subject,
        event_count
    from events

    union all

    select
        events.source,
        events.partition_date,
        events.event_date,
        events.platform,
        'page_group' as series_kind,
        page_groups.page_group as subject,
        events.event_count
    from events
    inner join page_groups
        on
            {{ plan_holds('page_groups', 'events.event_date') }}
            and case
                when page_groups.is_exact then events.page_path = page_groups.prefix
                else {{ starts_with('events.page_path', 'page_groups.prefix') }}
            end

),

final as (

    select
        source,
        partition_date,
        event_date,
        platform,
        series_kind,
        subject,
        cast(sum(event_count) as bigint) as event_count
    from united
    group by source, partition_date, event_date, platform, series_kind, subject

)

select * from final
