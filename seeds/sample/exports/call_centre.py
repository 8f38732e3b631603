"""Call centre: one file a month of calls, IVR sessions, text messages and chats."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_csv
from seeds.sample.world import World


def prepare(world: World) -> None:
    """Put the flat export table."""
    world.run(
        """
        create or replace table call_centre_contacts as
        select
            'L' || lpad(cast(l.leg_number as varchar), 7, '0') as contact_ref,
            case when l.is_bot then 'chatbot' else l.channel end as channel,
            'inbound' as direction,
            l.started_at as started_at_us,
            l.ended_at as ended_at_us,
            l.queue,
            l.ivr_choice,
            l.topic,
            case when l.agent is not null then 'A' || lpad(cast(l.agent as varchar), 3, '0') end
                as agent_id,
            case when l.agent is not null
                then case l.channel when 'phone' then 'puhelin' when 'chat' then 'chat'
                    else 'digi' end end as team,
            case when l.channel in ('phone', 'ivr', 'sms')
                then phone_text(p.phone, case when l.channel = 'sms' then 0 else l.dice end)
            end as phone,
            case when l.channel = 'chat' and l.dice % 4 > 0 then p.email end as email,
            case when l.channel in ('phone', 'ivr') and l.dice % 5 = 0 then p.loyalty_id end
                as loyalty_id,
            case when l.channel = 'chat' then v.client_id end as client_id,
            cast(l.wait_seconds as bigint) as wait_seconds,
            cast(l.handle_seconds as bigint) as handle_seconds,
            l.outcome,
            case when l.is_transferred then 1 else 0 end as transferred,
            case when l.is_resolved then 1 else 0 end as resolved,
            l.ticket_id,
            l.person,
            l.case_number
        from legs as l
        inner join people as p on l.person = p.person
        left join (
            -- A chat opens on the page that its person visits then.
            select l2.leg_number, arg_max(k.client_id, s.started_at) as client_id
            from legs as l2
            inner join sessions as s
                on l2.person = s.person
                and s.started_at between l2.started_at - 14400000000 and l2.started_at
                and s.is_consented
            inner join cookies as k on s.cookie = k.cookie
            where l2.channel = 'chat'
            group by l2.leg_number
        ) as v on l.leg_number = v.leg_number
        order by l.leg_number
        """
    )


def write(world: World, folder: Path, raw_lines: tuple[str, ...]) -> str:
    """Write a file a month; raw lines (broken ones) end the first, whose name is returned."""
    for number, month in enumerate(world.calendar.months):
        write_csv(
            world,
            f"""
            select contact_ref, channel, direction, local_text(started_at_us) as started_at,
                local_text(ended_at_us) as ended_at, queue, ivr_choice, topic, agent_id, team,
                phone, email, loyalty_id, client_id, wait_seconds, handle_seconds, outcome,
                transferred, resolved, ticket_id
            from call_centre_contacts
            where local_month(started_at_us) = '{month}'
            order by started_at_us, contact_ref
            """,
            folder / f"contacts_{month}.csv",
            world.calendar.month_end(month),
            delimiter=";",
            raw_lines=raw_lines if number == 0 else (),
        )
    return f"contacts_{world.calendar.months[0]}.csv"
