"""Questback: responses and invitations of the purchase and relationship surveys."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_csv
from seeds.sample.surveys import CTT_TOUCHPOINTS, EXQ_ITEMS
from seeds.sample.world import World

_EMOTIONS = tuple(f"ctt_emotion_{touchpoint}" for touchpoint in CTT_TOUCHPOINTS)
QUESTIONS = {
    "purchase": ("nps", "ces", "csat", *_EMOTIONS, "ctt_decisive", "ctt_cause", "open_text"),
    "relationship": (
        "nps",
        "womi_recommend",
        "womi_discourage",
        *(f"exq_{item:02d}" for item in range(1, EXQ_ITEMS + 1)),
        "open_text",
    ),
}
ENCODING = "iso-8859-1"


def prepare(world: World) -> None:
    """Put the flat export tables of both surveys."""
    for survey in QUESTIONS:
        order_ref = "s.order_ref" if survey == "purchase" else "cast(null as varchar)"
        touchpoint = "s.touchpoint_id" if survey == "purchase" else "cast(null as varchar)"
        member = "s.is_member" if survey == "purchase" else "p.is_member"
        world.run(
            f"""
            create or replace table questback_invitations_{survey} as
            select
                '{survey[0].upper()}' || lpad(cast(s.number as varchar), 7, '0') as invitation_id,
                '{survey}' as survey_id,
                p.email,
                cast(null as varchar) as phone,
                case when p.is_contact then cast(p.contact_number as varchar) end as contact_id,
                'email' as channel,
                {touchpoint} as touchpoint_id,
                s.sent_at as sent_at_us,
                case when s.is_delivered then 'delivered' else 'bounced' end as delivery_status,
                s.person
            from {survey}_survey as s
            inner join people as p on s.person = p.person
            where s.sent_at < (select "end" from window_bounds)
            order by s.number
            """
        )
        questions = ", ".join(
            f"case when s.is_complete or '{q}' in ('nps', 'ces', 'csat') then"
            f" cast({_whole(q)} as varchar) end as {q}"
            for q in QUESTIONS[survey]
        )
        world.run(
            f"""
            create or replace table questback_responses_{survey} as
            select
                '{survey[0]}r' || lpad(cast(s.number as varchar), 7, '0') as respondent_id,
                '{survey}' as survey_id,
                '{survey[0].upper()}' || lpad(cast(s.number as varchar), 7, '0') as invitation_id,
                p.email,
                cast(null as varchar) as phone,
                case when p.is_contact and s.number % 9 > 0
                    then cast(p.contact_number as varchar) end as contact_id,
                cast(null as varchar) as user_id,
                cast(null as varchar) as client_id,
                case when {member} and s.number % 4 > 0 then p.loyalty_id end as loyalty_id,
                {order_ref} as order_ref,
                cast(null as varchar) as case_ref,
                'email' as channel,
                {touchpoint} as touchpoint_id,
                p.language,
                case when s.is_complete then 'complete' else 'partial' end as status,
                s.started_at as started_at_us,
                s.started_at + cast(s.seconds * 1000000 as bigint) as completed_at_us,
                s.is_complete,
                s.person,
                {questions}
            from {survey}_survey as s
            inner join people as p on s.person = p.person
            where
                s.answers and s.is_delivered
                and s.started_at < (select "end" - 1800000000 from window_bounds)
            order by s.started_at, s.number
            """
        )


def write(world: World, folder: Path, raw_lines: tuple[str, ...]) -> None:
    """Write both surveys in ISO-8859-1; raw lines (broken ones) end the purchase file."""
    for survey, questions in QUESTIONS.items():
        write_csv(
            world,
            f"""
            select respondent_id, survey_id, invitation_id, email, phone, contact_id, user_id,
                client_id, loyalty_id, order_ref, case_ref, channel, touchpoint_id, language,
                status, local_text(started_at_us) as started_at,
                case when is_complete then local_text(completed_at_us) end as completed_at,
                {", ".join(questions)}
            from questback_responses_{survey}
            order by started_at_us, respondent_id
            """,
            folder / f"responses_{survey}.csv",
            world.calendar.end,
            delimiter=";",
            encoding=ENCODING,
            raw_lines=raw_lines if survey == "purchase" else (),
        )
        write_csv(
            world,
            f"""
            select invitation_id, survey_id, email, phone, contact_id, channel, touchpoint_id,
                local_text(sent_at_us) as sent_at, delivery_status
            from questback_invitations_{survey}
            order by sent_at_us, invitation_id
            """,
            folder / f"invitations_{survey}.csv",
            world.calendar.end,
            delimiter=";",
            encoding=ENCODING,
        )


def _whole(question: str) -> str:
    """Scores are whole numbers; a skipped item is a blank."""
    if question.startswith("exq"):
        return f"cast(nullif(s.{question}, 'nan') as bigint)"
    return f"s.{question}"
