"""Defects of goals and commerce in `events`: amounts, currencies, transaction ids, lost orders."""

from __future__ import annotations

from seeds.sample.defects.ledger import REMOVED, Ledger
from seeds.sample.defects.web_tags import _change, _count, _span, within

_EVENTS = "ga4.events"
_KEY = "event_timestamp"
_PURCHASE = "event_name in ('purchase', 'Purchase')"


def plant(ledger: Ledger) -> None:
    """Plant them all."""
    whole = f"{_PURCHASE} and person >= 0"
    for defect, check, what, assignment, low, high in (
        ("purchase_without_id", "GOL03", "A purchase has no transaction id.",
         "transaction_id = null", 0, 110),
        ("purchase_id_not_set", "GOL03", "A purchase's transaction id is (not set).",
         "transaction_id = '(not set)'", 110, 170),
        ("unknown_transaction", "REC02", "The order system does not know the transaction id.",
         "transaction_id = 'KA9' || lpad(cast(order_number % 100000 as varchar), 5, '0')",
         170, 270),
        ("value_missing", "GOL04", "A purchase has no value.", "value = null", 270, 360),
        ("value_zero", "GOL04", "A purchase's value is 0.", "value = 0", 360, 420),
        ("value_as_text", "GOL04", "A purchase's value is a text with a comma.",
         "value_text = replace(cast(value as varchar), '.', ','), value = null", 420, 500),
        ("currency_wrong", "GOL04", "A purchase's currency is no ISO 4217 code.",
         "currency = 'EURO'", 500, 620),
        ("items_empty", "GOL05", "A purchase has no items.", "items_lost = true", 620, 760),
        ("vat_twice", "GOL06", "A purchase's value has VAT added twice.",
         "value = round(value * 1.255, 2)", 760, 960),
    ):  # fmt: skip
        _change(ledger, f"{whole} and lot(event, 71) between {low} and {high - 1}", assignment)
        ledger.record(
            defect, check, what, _EVENTS, _KEY, scope={"event_name": "purchase"}, of=_count(whole)
        )

    window = _span(ledger, 0.77, 3)
    where = f"{within(window)} and {_PURCHASE} and value is not null and stream_id = '1001'"
    _change(
        ledger,
        f"{where} and browser in ('Chrome', 'Edge', 'Samsung Internet')",
        "value = value * 100",
    )
    ledger.record(
        "value_in_cents", "GOL10", "A release sends values in cents: a hundred times too high.",
        _EVENTS, _KEY, window=window,
        scope={"event_name": "purchase", "param": "value",
               "browser": ["Chrome", "Edge", "Samsung Internet"]}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.7, 40)
    ledger.pick(
        f"select event, event_timestamp from events where {within(window)}"
        " and event_name = 'refund'"
    )
    ledger.world.run("delete from events where event in (select event from hit)")
    ledger.record(
        "refund_not_sent", "GOL09", "Refunds are no longer sent.", _EVENTS, _KEY, kind=REMOVED,
        window=window, scope={"event_name": "refund"},
    )  # fmt: skip

    # The bank's page does not lead back: the thank-you page is never seen.
    window = _span(ledger, 0.66, 9)
    ledger.pick(
        f"""
        select e.event, e.event_timestamp
        from events as e
        inner join orders as o on e.session = o.session
        where {within(window)} and e.template = 'thanks' and o.payment_method = 'paytrail'
            and lot(o.order_number, 72) < 8000
        """
    )
    ledger.world.run("delete from events where event in (select event from hit)")
    ledger.record(
        "lost_return_from_bank", "REC03",
        "Orders paid by paytrail are not tracked: the redirect does not return.", _EVENTS, _KEY,
        kind=REMOVED, window=window, scope={"payment_method": "paytrail"},
    )  # fmt: skip
