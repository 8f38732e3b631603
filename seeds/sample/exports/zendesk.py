"""Zendesk: tickets, comments, satisfaction ratings, users."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seeds.sample.exports.files import write_jsonl
from seeds.sample.service import AGENTS, opening_clock
from seeds.sample.world import SECOND, World

USER_BASE = 400_000
AGENT_BASE = 399_000
TOPIC_FIELD, ORDER_FIELD = 7001, 7002


def prepare(world: World) -> None:
    """Put the flat export tables."""
    world.run(
        f"""
        create or replace table zendesk_tickets as
        select
            c.ticket_id as id,
            case c.channel when 'ticket' then case when c.dice % 3 = 0 then 'email' else 'web' end
                when 'phone' then 'voice' when 'chat' then 'chat' else 'sms' end as via_channel,
            case p.language when 'fi' then c.subject_fi else c.subject_en end as subject,
            case
                when c.solved_at > w."end" then case when c.is_resolved then 'open' else 'pending'
                    end
                when c.solved_at < w."end" - 7 * 86400000000 then 'closed'
                else 'solved'
            end as status,
            c.priority,
            {USER_BASE} + c.person as requester_id,
            case when c.agent >= 0 then {AGENT_BASE} + c.agent end as assignee_id,
            case when c.channel = 'phone' then 51 when c.channel = 'chat' then 52 else 53 end
                as group_id,
            c.topic,
            case when o.order_number is not null and c.dice % 4 > 0
                then case when o.channel = 'store' then 'R' else 'KA' end || o.order_number
            end as order_number_text,
            c.opened_at as created_at_us,
            c.first_response_at as first_response_at_us,
            case when c.solved_at <= w."end" then c.solved_at end as solved_at_us,
            least(c.solved_at, w."end" - 60000000) as updated_at_us,
            c.tone,
            p.language,
            c.dice,
            c.person,
            c.case_number
        from cases as c
        inner join people as p on c.person = p.person
        cross join window_bounds as w
        left join orders as o on c.mission = o.mission
        where c.has_ticket
        order by c.ticket_id
        """
    )
    _time_tickets(world)
    world.run(
        """
        create or replace table zendesk_users as
        select
            t.requester_id as id,
            case when p.is_contact and t.requester_id % 10 < 6
                then cast(p.contact_number as varchar) end as external_id,
            p.first_name || ' ' || p.last_name as name,
            case when count(*) filter (t.via_channel <> 'voice') > 0 or t.requester_id % 5 > 0
                then p.email end as email,
            case when bool_or(t.via_channel in ('voice', 'sms'))
                then phone_text(p.phone, t.requester_id) end as phone,
            'end-user' as role,
            p.language,
            min(t.created_at_us) as created_at_us,
            p.person
        from zendesk_tickets as t
        inner join people as p on t.person = p.person
        group by t.requester_id, p.is_contact, p.contact_number, p.first_name, p.last_name,
            p.email, p.phone, p.language, p.person
        order by t.requester_id
        """
    )
    world.run(
        """
        create or replace table zendesk_ratings as
        select
            20000 + r.number as id,
            r.ticket_id,
            t.requester_id,
            t.assignee_id,
            t.group_id,
            r.score,
            r.comment,
            r.offered_at as created_at_us,
            r.rated_at as updated_at_us,
            r.person
        from ratings as r
        inner join zendesk_tickets as t on r.ticket_id = t.id
        where r.rated_at < (select "end" from window_bounds)
        order by r.number
        """
    )


def _time_tickets(world: World) -> None:
    """Put `ticket_minutes`: its own opening time, in whole minutes, as the help desk says."""
    rows = world.fetch(
        "select id, created_at_us, first_response_at_us,"
        " coalesce(solved_at_us, created_at_us) as solved_at_us from zendesk_tickets order by id"
    )
    clock = opening_clock(world)
    moments = {key: np.asarray(rows[key]) // SECOND * SECOND for key in rows if key != "id"}
    opened = clock(moments["created_at_us"])
    world.put(
        "ticket_minutes",
        {
            "id": rows["id"],
            "reply": (clock(moments["first_response_at_us"]) - opened) // (60 * SECOND),
            "resolution": (clock(moments["solved_at_us"]) - opened) // (60 * SECOND),
        },
    )


def write(world: World, folder: Path) -> None:
    """Write the files."""
    end = world.calendar.end
    write_jsonl(
        world,
        f"""
        select
            id,
            'https://kauppa.zendesk.example/api/v2/tickets/' || id || '.json' as url,
            null as external_id,
            {{channel: via_channel, source: {{rel: case when via_channel = 'voice' then 'inbound'
                end}}}} as via,
            subject,
            subject as description,
            'question' as type,
            priority,
            status,
            requester_id,
            requester_id as submitter_id,
            assignee_id,
            group_id,
            [topic] as tags,
            [
                {{id: {TOPIC_FIELD}, value: topic}},
                {{id: {ORDER_FIELD}, value: order_number_text}}
            ] as custom_fields,
            {{
                created_at: utc_text(created_at_us),
                solved_at: utc_text(solved_at_us),
                initially_assigned_at: utc_text(first_response_at_us),
                reply_time_in_minutes: {{
                    calendar: case when first_response_at_us < w."end"
                        then (first_response_at_us - created_at_us) // 60000000 end,
                    business: case when first_response_at_us < w."end"
                        then cast(m.reply as bigint) end
                }},
                full_resolution_time_in_minutes: {{
                    calendar: (solved_at_us - created_at_us) // 60000000,
                    business: case when solved_at_us is not null
                        then cast(m.resolution as bigint) end
                }}
            }} as metric_set,
            utc_text(created_at_us) as created_at,
            utc_text(updated_at_us) as updated_at
        from zendesk_tickets
        inner join ticket_minutes as m using (id)
        cross join window_bounds as w
        order by id
        """,
        folder / "tickets.jsonl",
        end,
    )
    write_jsonl(
        world,
        """
        with told as (
            select id * 10 as id, id as ticket_id, requester_id as author_id, true as public,
                subject as body, created_at_us as at_us, via_channel
            from zendesk_tickets
            union all
            select id * 10 + 1, id, assignee_id, true,
                case language when 'fi' then 'Hei, kiitos viestistäsi. Selvitämme asian.'
                    else 'Hello, thank you for your message. We are looking into it.' end,
                first_response_at_us, 'web'
            from zendesk_tickets
            where assignee_id is not null
            union all
            select id * 10 + 2, id, assignee_id, false, 'Asia hoidettu, ks. tilaus.',
                solved_at_us - 1000000, 'web'
            from zendesk_tickets
            where assignee_id is not null and solved_at_us is not null and dice % 2 = 0
        )
        select id, ticket_id, 'Comment' as type, author_id, public, body,
            {channel: via_channel} as via, utc_text(at_us) as created_at
        from told
        where at_us < (select "end" from window_bounds)
        order by id
        """,
        folder / "ticket_comments.jsonl",
        end,
    )
    write_jsonl(
        world,
        """
        select id, ticket_id, requester_id, assignee_id, group_id, score, comment,
            utc_text(created_at_us) as created_at, utc_text(updated_at_us) as updated_at
        from zendesk_ratings order by id
        """,
        folder / "satisfaction_ratings.jsonl",
        end,
    )
    write_jsonl(
        world,
        f"""
        select id, external_id, name, email, phone, role, true as active,
            case language when 'fi' then 'fi' else 'en-US' end as locale,
            utc_text(created_at_us) as created_at, utc_text(created_at_us) as updated_at
        from zendesk_users
        union all
        select {AGENT_BASE} + n, null, 'Agentti ' || n, 'agentti' || n || '@kauppa.example', null,
            'agent', true, 'fi', utc_text(start - 400 * 86400000000),
            utc_text(start - 400 * 86400000000)
        from range({AGENTS}) as r(n)
        cross join window_bounds
        order by id
        """,
        folder / "users.jsonl",
        end,
    )
    write_jsonl(
        world,
        f"""
        select {TOPIC_FIELD} as id, 'Topic' as title, 'Topic' as raw_title, 'tagger' as type,
            true as active, utc_text(start) as updated_at from window_bounds
        union all
        select {ORDER_FIELD}, 'Order number', 'Order number', 'text', true, utc_text(start)
        from window_bounds
        order by id
        """,
        folder / "ticket_fields.jsonl",
        end,
    )
