"""Defects of attribution, privacy, consent and dates in `events`."""

from __future__ import annotations

from seeds.sample.defects.ledger import NATURAL, Ledger
from seeds.sample.defects.web_tags import _change, _count, _span, within
from seeds.sample.web_sessions import CONSENT_BANNER_FROM

_EVENTS = "ga4.events"
_KEY = "event_timestamp"
#: The published example of a Finnish personal identity code (its check character is right).
EXAMPLE_PERSONAL_CODE = "131052-308T"


def plant(ledger: Ledger) -> None:
    """Plant them all."""
    _attribution(ledger)
    _privacy(ledger)
    _dates(ledger)


def _attribution(ledger: Ledger) -> None:
    window = _span(ledger, 0.2, 4)
    where = f"{within(window)} and stream_id = '1001' and session_source <> first_source"
    examined = ledger.world.count(_count(where))
    _change(
        ledger, f"{where} and lot(session, 81) < 6000",
        "session_source = first_source, session_medium = first_medium,"
        " session_campaign = first_campaign",
    )  # fmt: skip
    ledger.record(
        "first_touch_as_session", "ATT01", "The visit's source holds the first touch's.",
        _EVENTS, _KEY, window=window, scope={"column": "session_traffic_source_last_click"},
        of=f"select {examined}",
    )  # fmt: skip

    window = _span(ledger, 0.3, 20)
    where = f"{within(window)} and click_id_type = 'gclid'"
    _change(
        ledger, f"{where} and lot(session, 82) < 2500",
        "source = null, medium = null, campaign = null, session_source = 'google',"
        " session_medium = 'organic', session_campaign = null,"
        " page_location = split_part(page_location, '?', 1) || '?gclid=' || click_id",
    )  # fmt: skip
    ledger.record(
        "click_id_without_source", "ATT02", "A paid click arrives without its campaign tags.",
        _EVENTS, _KEY, window=window, scope={"param": "gclid"}, of=_count(where),
    )  # fmt: skip

    # The way back from the payment page starts a visit from the payment provider.
    window = _span(ledger, 0.6, 6)
    where = (
        f"{within(window)} and template = 'thanks' and stream_id = '1001' and is_consented"
        " and mission in (select mission from orders where payment_method in"
        " ('paytrail', 'klarna'))"
    )
    _change(
        ledger, where,
        "page_referrer = 'https://maksut.example/', source = 'maksut.example',"
        " medium = 'referral', session_source = 'maksut.example', session_medium = 'referral',"
        " session_campaign = null",
    )  # fmt: skip
    ledger.record(
        "payment_referrer", "ATT04", "The payment provider is taken for the source.", _EVENTS,
        _KEY, window=window, scope={"source": "maksut.example"}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.45, 12)
    where = f"{within(window)} and campaign is not null and medium = 'paid_social'"
    examined = ledger.world.count(_count(where))
    for defect, low, high, assignment, what in (
        ("campaign_case", 0, 2500,
         "campaign = upper(campaign[1:1]) || campaign[2:], session_campaign ="
         " upper(session_campaign[1:1]) || session_campaign[2:]",
         "Campaign names are written in mixed case."),
        ("campaign_swapped", 2500, 3200,
         "source = medium, medium = source, session_source = session_medium,"
         " session_medium = session_source",
         "Source and medium are swapped."),
    ):  # fmt: skip
        _change(ledger, f"{where} and lot(session, 83) between {low} and {high - 1}", assignment)
        ledger.record(
            defect, "ATT07", what, _EVENTS, _KEY, window=window,
            scope={"medium": "paid_social"}, of=f"select {examined}",
        )  # fmt: skip
    window = _span(ledger, 0.3, 15)
    where = (
        f"{within(window)} and event_name = 'page_view' and template = 'campaign'"
        " and page_referrer like 'https://www.kauppa.example%'"
    )
    _change(
        ledger, where,
        "page_location = page_location ||"
        " '?utm_source=kauppa&utm_medium=banner&utm_campaign=etusivu',"
        " source = 'kauppa', medium = 'banner', campaign = 'etusivu'",
    )  # fmt: skip
    ledger.record(
        "internal_campaign_tags", "ATT07", "Links within the shop carry campaign tags.", _EVENTS,
        _KEY, window=window, scope={"source": "kauppa", "medium": "banner"}, of=_count(where),
    )  # fmt: skip


def _privacy(ledger: Ledger) -> None:
    window = _span(ledger, 0.36, 25)
    where = f"{within(window)} and template = 'account' and event_name = 'page_view'"
    _change(
        ledger, f"{where} and lot(event, 91) < 500",
        "page_location = page_location || '?email=asiakas' || person || '%40posti.example'",
    )  # fmt: skip
    ledger.record(
        "email_in_url", "PRI01", "The account page's URL carries an e-mail address.", _EVENTS,
        _KEY, window=window, scope={"param": "page_location", "path": "/oma-tili"},
        of=_count(where),
    )  # fmt: skip
    window = _span(ledger, 0.5, 40)
    where = f"{within(window)} and event_name = 'form_error'"
    _change(
        ledger, f"{where} and lot(event, 92) < 300",
        f"error_message = 'Tarkista kenttä: {EXAMPLE_PERSONAL_CODE}'",
    )  # fmt: skip
    ledger.record(
        "personal_code_in_error", "PRI01", "A form error repeats a personal identity code.",
        _EVENTS, _KEY, window=window, scope={"param": "error_message"}, of=_count(where),
    )  # fmt: skip
    where = f"{within(window)} and event_name = 'view_search_results'"
    _change(ledger, f"{where} and lot(event, 93) < 40", "search_term = '040 ' || (1234567 + page)")
    ledger.record(
        "phone_in_search", "PRI01", "A phone number is typed into the site search.", _EVENTS,
        _KEY, window=window, scope={"param": "search_term"}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.05, 5)
    where = f"{within(window)} and stream_id = '1001' and is_consented"
    _change(
        ledger, f"{where} and lot(session, 94) < 1500",
        "analytics_storage = 'Unset', ads_storage = 'Unset'",
    )  # fmt: skip
    ledger.record(
        "consent_unset", "PRI02", "The consent state is not passed.", _EVENTS, _KEY,
        window=window, scope={"stream_id": "1001"}, of=_count(where),
    )  # fmt: skip

    calendar = ledger.world.calendar
    window = (calendar.span(calendar.day(CONSENT_BANNER_FROM))[0], calendar.end)
    ledger.pick(
        f"""
        select e.event_timestamp from events as e
        inner join sessions as s on e.session = s.session
        inner join devices as d on s.device = d.device
        where {within(window)} and not s.is_consented and not d.refuses_analytics
        """
    )
    ledger.record(
        "consent_banner", "PRI04", "A new consent banner makes more visitors refuse.", _EVENTS,
        _KEY, kind=NATURAL, window=window, scope={"column": "privacy_info"},
        of=_count(within(window)),
    )  # fmt: skip

    window = _span(ledger, 0.8, 4)
    where = f"{within(window)} and not is_consented and browser = 'Safari'"
    _change(
        ledger, where,
        "user_pseudo_id = true_client_id,"
        " ga_session_id = (select s.started_at // 1000000 from sessions as s"
        " where s.session = events.session)",
    )  # fmt: skip
    ledger.record(
        "id_despite_refusal", "PRI03", "A client id is sent although consent was refused.",
        _EVENTS, _KEY, window=window, scope={"browser": "Safari"}, of=_count(where),
    )  # fmt: skip


def _dates(ledger: Ledger) -> None:
    window = _span(ledger, 0.38, 3)
    where = f"{within(window)} and hour(local_time(event_timestamp)) < 3"
    _change(
        ledger, where,
        "event_date_override = cast(local_time(event_timestamp) as date) - 1",
    )  # fmt: skip
    ledger.record(
        "wrong_event_date", "VOL05", "The event date follows UTC instead of the local day.",
        _EVENTS, _KEY, window=window, scope={"column": "event_date"}, of=_count(where),
    )  # fmt: skip
    where = "stream_id = '2002' and person >= 0"
    _change(ledger, f"{where} and lot(session, 95) < 100", "server_offset = 93600000000")
    ledger.record(
        "device_clock", "VOL06", "Some phones' clocks are a day off.", _EVENTS, _KEY,
        scope={"stream_id": "2002"}, of=_count(where),
    )  # fmt: skip
    # Hits that reach the property days late come with the re-delivered day.
    calendar = ledger.world.calendar
    days = {calendar.day(share) for share in (0.18, 0.42, 0.6, 0.86, 0.95)}
    spans = [calendar.span(day) for day in sorted(days)]
    ledger.pick(
        "select event, event_timestamp from events where lot(session, 96) < 350 and person >= 0"
        f" and ({' or '.join(within(span) for span in spans)})"
    )
    ledger.world.run("update events set delivery = 1 where event in (select event from hit)")
    ledger.record(
        "late_rows", "VOL04", "Hits arrive up to three days late, in a re-delivered day.",
        _EVENTS, _KEY, scope={"days": [calendar.date_of(day).isoformat() for day in sorted(days)]},
    )  # fmt: skip
