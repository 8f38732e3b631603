"""The e-mail tool's send log, one file a month, and the advertising cost file."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_csv
from seeds.sample.world import World


def prepare(world: World) -> None:
    """Put the flat export tables."""
    world.run(
        """
        create or replace table email_campaigns_events as
        select
            e.message_event,
            m.campaign_id,
            m.campaign_name,
            'M' || lpad(cast(e.message as varchar), 8, '0') as message_id,
            e.event,
            e.occurred_at as occurred_at_us,
            p.email,
            cast(p.contact_number as varchar) as contact_id,
            case when e.event = 'click' then 'https://www.kauppa.example' || m.path
                || '?utm_source=newsletter&utm_medium=email&utm_campaign=' || m.campaign_name
            end as url,
            e.person
        from message_events as e
        inner join mailings as m on e.mailing = m.mailing
        inner join people as p on e.person = p.person
        where e.occurred_at < (select "end" from window_bounds)
        order by e.message_event
        """
    )
    world.run(
        """
        create or replace table ad_spend_rows as
        select spend_date as date, platform, campaign_id, campaign_name, utm_source, utm_medium,
            'EUR' as currency, cost, impressions, clicks
        from ad_spend
        order by spend_date, platform, campaign_id, utm_source
        """
    )


def write(world: World, campaigns: Path, spend: Path, raw_lines: tuple[str, ...]) -> None:
    """Write the send logs and the cost file, which raw lines (broken ones) end."""
    for month in world.calendar.months:
        write_csv(
            world,
            f"""
            select campaign_id, campaign_name, message_id, event,
                utc_text(occurred_at_us) as occurred_at, email, contact_id, url
            from email_campaigns_events
            where local_month(occurred_at_us) = '{month}'
            order by occurred_at_us, message_event
            """,
            campaigns / f"events_{month}.csv",
            world.calendar.month_end(month),
        )
    write_csv(
        world,
        "select * from ad_spend_rows order by date, platform, campaign_id, utm_source",
        spend / "spend.csv",
        world.calendar.end,
        raw_lines=raw_lines,
    )
