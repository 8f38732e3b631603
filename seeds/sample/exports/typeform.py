"""Typeform: webhooks of the service form and of the "was this useful?" pop-up."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_jsonl
from seeds.sample.world import World


def prepare(world: World) -> None:
    """Put the flat export tables."""
    world.run(
        """
        create or replace table typeform_service as
        select
            md5('service' || s.number) as token,
            s.started_at as landed_at_us,
            s.started_at + cast(s.seconds * 1000000 as bigint) as submitted_at_us,
            case when s.number % 3 = 0 then null else p.email end as email,
            case when p.is_contact and s.number % 3 < 2
                then cast(p.contact_number as varchar) end as contact_id,
            cast(s.ticket_id as varchar) as case_ref,
            s.touchpoint_id,
            p.language,
            s.csat,
            s.ces,
            s.ces_version,
            s.open_text,
            s.person
        from service_survey as s
        inner join people as p on s.person = p.person
        where s.answers
        order by s.started_at, s.number
        """
    )
    world.run(
        """
        create or replace table typeform_content as
        select
            md5('content' || c.number) as token,
            c.started_at as landed_at_us,
            c.started_at + cast(c.seconds * 1000000 as bigint) as submitted_at_us,
            case when s.is_consented then k.client_id end as client_id,
            case when s.login_at <= c.started_at then 'u' || p.contact_number end as user_id,
            c.channel,
            c.touchpoint_id,
            split_part(c.path, '/', -1) as content_slug,
            case c.touchpoint_id when 'user_guide' then 'guide' when 'care_article' then 'care'
                else 'faq' end || ':' || split_part(c.path, '/', -1) as content_id,
            p.language,
            c.useful,
            c.open_text,
            c.person
        from content_survey as c
        inner join people as p on c.person = p.person
        inner join sessions as s on c.session = s.session
        inner join cookies as k on s.cookie = k.cookie
        order by c.started_at, c.number
        """
    )


def write(world: World, folder: Path) -> None:
    """Write one file of webhook payloads, in order of arrival."""
    write_jsonl(world, _PAYLOADS, folder / "responses.jsonl", world.calendar.end)


_EMPTY = "cast(null as varchar)"
_PAYLOADS = f"""
with told as (
    select
        token,
        'service' as form_id,
        landed_at_us,
        submitted_at_us,
        {{
            email: email, contact_id: contact_id, user_id: {_EMPTY}, client_id: {_EMPTY},
            case_ref: case_ref, channel: 'email', touchpoint_id: touchpoint_id,
            language: language, content_id: {_EMPTY}
        }} as hidden,
        list_filter([
            {{
                type: 'number', number: csat, boolean: cast(null as boolean), text: {_EMPTY},
                field: {{id: 'f_csat', type: 'opinion_scale', ref: 'csat'}}
            }},
            {{
                type: 'number', number: ces, boolean: null, text: null,
                field: {{
                    id: case when ces_version = 1 then 'f_ces' else 'f_ces_v2' end,
                    type: 'opinion_scale',
                    ref: case when ces_version = 1 then 'ces' else 'ces_v2' end
                }}
            }},
            case when open_text is not null then {{
                type: 'text', number: null, boolean: null, text: open_text,
                field: {{id: 'f_open', type: 'long_text', ref: 'open_text'}}
            }} end
        ], lambda x: x is not null) as answers
    from typeform_service
    union all
    select
        token,
        'content',
        landed_at_us,
        submitted_at_us,
        {{
            email: {_EMPTY}, contact_id: {_EMPTY}, user_id: user_id, client_id: client_id,
            case_ref: {_EMPTY}, channel: channel, touchpoint_id: touchpoint_id,
            language: language, content_id: content_id
        }},
        list_filter([
            {{
                type: 'boolean', number: cast(null as bigint), boolean: useful, text: {_EMPTY},
                field: {{id: 'f_useful', type: 'yes_no', ref: 'useful'}}
            }},
            case when open_text is not null then {{
                type: 'text', number: null, boolean: null, text: open_text,
                field: {{id: 'f_open', type: 'long_text', ref: 'open_text'}}
            }} end
        ], lambda x: x is not null)
    from typeform_content
)

select
    'ev_' || token as event_id,
    'form_response' as event_type,
    {{
        form_id: form_id,
        token: token,
        landed_at: utc_text(landed_at_us),
        submitted_at: utc_text(submitted_at_us),
        hidden: hidden,
        answers: answers
    }} as form_response
from told
order by submitted_at_us, token
"""
