"""Microsoft Clarity: what the Data Export API told on each of the last days, by page."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_json_array
from seeds.sample.world import World

#: The company began to fetch it so many days before the end.
DAYS = 14


def prepare(world: World) -> None:
    """Put the flat export table: visits and clicks by day and page; needs `draw`."""
    world.run(
        """
        create or replace table clarity_pages as
        select
            cast(local_time(event_timestamp) as date) as day,
            'https://' || host || path as url,
            count(distinct session) as sessions,
            count(distinct session) filter (
                where draw('dead' || session || path) < 0.05
            ) as dead_clicks,
            count(distinct session) filter (
                where draw('rage' || session || path)
                    < case when template = 'checkout' then 0.06 else 0.01 end
            ) as rage_clicks,
            count(distinct session) filter (
                where draw('back' || session || path) < 0.04
            ) as quick_backs,
            count(distinct session) filter (
                where draw('scroll' || session || path) < 0.02
            ) as excessive_scrolls
        from events
        where event_name = 'page_view' and stream_id = '1001'
        group by all
        """
    )


def write(world: World, folder: Path) -> None:
    """Write a file a day."""
    days = world.settings.days
    for day in range(max(0, days - DAYS), days):
        date = world.calendar.date_of(day).isoformat()
        figures = " union all ".join(
            f"""
            select '{metric}' as "metricName",
                list({{
                    'sessionsCount': cast(sessions as varchar),
                    'sessionsWithMetricPercentage': round(100.0 * {column} / sessions, 2),
                    'sessionsWithoutMetricPercentage':
                        round(100 - 100.0 * {column} / sessions, 2),
                    'pagesViews': cast({column} as varchar),
                    'subTotal': cast({column} * 2 as varchar),
                    'Url': url
                }} order by url) as information
            from clarity_pages
            where day = date '{date}'
            """
            for metric, column in (
                ("DeadClickCount", "dead_clicks"),
                ("RageClickCount", "rage_clicks"),
                ("QuickbackClick", "quick_backs"),
                ("ExcessiveScroll", "excessive_scrolls"),
            )
        )
        write_json_array(
            world,
            f"select * from ({figures}) where information is not null order by all",
            folder / f"insights_{date}.json",
            int(world.calendar.day_starts[day + 1]),
        )
