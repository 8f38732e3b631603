"""Defects in what the small tools write: reviews, counters, monitors, heatmap, contracts."""

from __future__ import annotations

from seeds.sample.defects.ledger import ADDED, REMOVED, Ledger

#: Doors whose counters fail, a site that nobody watches for a day, where in the window each begins.
BACKWARDS_STORE, BACKWARDS_BEGINS, BACKWARDS_DAYS = "TKU1", 0.3, 5
UNWATCHED_SITE, UNWATCHED_BEGINS = "https://api.kauppa.example", 0.6


def plant(ledger: Ledger) -> None:
    """Plant them all."""
    _counters(ledger)
    _monitor(ledger)
    _reviews(ledger)
    _heatmap(ledger)
    _contracts(ledger)


def _counters(ledger: Ledger) -> None:
    calendar = ledger.world.calendar
    first = calendar.day(BACKWARDS_BEGINS)
    window = calendar.span(first, BACKWARDS_DAYS)
    dates = f"'{calendar.date_of(first)}' and '{calendar.date_of(first + BACKWARDS_DAYS - 1)}'"
    ledger.pick(
        f"""
        select laskuri || ' ' || tunti as key, laskuri, tunti
        from visitor_rows
        where laskuri = '{BACKWARDS_STORE}' and tunti[:10] between {dates} and tunti[12:13] >= '16'
        """
    )
    ledger.world.run(
        "update visitor_rows set kavijat = -1 - kavijat from hit as h"
        " where visitor_rows.laskuri = h.laskuri and visitor_rows.tunti = h.tunti"
    )
    ledger.record(
        "counter_backwards", "OTH01", "A counter that was turned round counts backwards.",
        "store_counters.readings", "key",
        window=window, scope={"store": BACKWARDS_STORE},
        of="select count(*) from visitor_rows",
    )  # fmt: skip
    # The busiest day of another door: all who bought there came in unseen.
    ledger.pick(
        f"""
        with busiest as (
            select store_id, strftime(local_time(ordered_at), '%Y-%m-%d') as day
            from orders
            where channel = 'store' and store_id <> '{BACKWARDS_STORE}'
            group by all
            order by count(*) desc, day, store_id
            limit 1
        )

        select v.laskuri || ' ' || v.tunti as key, v.laskuri, v.tunti
        from visitor_rows as v
        inner join busiest as b on v.laskuri = b.store_id and v.tunti[:10] = b.day
        """
    )
    ledger.world.run(
        "update visitor_rows set kavijat = 0 from hit as h"
        " where visitor_rows.laskuri = h.laskuri and visitor_rows.tunti = h.tunti"
    )
    ledger.record(
        "counter_stands_still", "OTH06", "A counter stands still for a day on which many buy.",
        "store_counters.readings", "key", of="select count(*) from visitor_rows",
    )  # fmt: skip


def _monitor(ledger: Ledger) -> None:
    calendar = ledger.world.calendar
    started, ended = calendar.span(calendar.day(UNWATCHED_BEGINS))
    ledger.pick(
        f"""
        select url || ' ' || checked_at as key, url, checked_at
        from uptime_rows
        where url = '{UNWATCHED_SITE}'
            and checked_at >= utc_text({started}) and checked_at < utc_text({ended})
        """
    )
    ledger.world.run(
        "delete from uptime_rows where (url, checked_at) in (select (url, checked_at) from hit)"
    )
    ledger.record(
        "site_unwatched", "OTH04", "The monitor forgets a site for a day.",
        "site_monitor.readings", "key", kind=REMOVED, window=(started, ended),
        scope={"site": UNWATCHED_SITE}, of="select count(*) from uptime_rows",
    )  # fmt: skip


def _reviews(ledger: Ledger) -> None:
    ledger.pick(
        """
        select arvio_id as source_id, 'T' || arvio_id as key
        from review_rows
        qualify row_number() over (order by arvio_id) % 12 = 3
        """
    )
    ledger.world.run(
        """
        insert into review_rows
        select r.* replace (h.key as arvio_id)
        from review_rows as r inner join hit as h on r.arvio_id = h.source_id
        order by h.key
        """
    )
    ledger.record(
        "review_imported_twice", "OTH03", "An import brings reviews again, under ids of its own.",
        "reviews.feedback", "key", kind=ADDED, of="select count(*) from review_rows",
    )  # fmt: skip
    ledger.pick(
        """
        select arvio_id as key
        from review_rows
        where arvio_id not in (select key from hit) and arvio_id not in (select source_id from hit)
        qualify row_number() over (order by arvio_id) % 9 = 4
        """
    )
    ledger.world.run(
        "update review_rows set tahdet = 20 * tahdet where arvio_id in (select key from hit)"
    )
    ledger.record(
        "stars_in_percent", "OTH05", "A form of the app sends percent instead of stars.",
        "reviews.feedback", "key", of="select count(*) from review_rows",
    )  # fmt: skip


def _heatmap(ledger: Ledger) -> None:
    ledger.pick(
        """
        select day || ' ' || page || ' ' || section as key, day, page, section
        from section_rows
        where reached > 0
        qualify row_number() over (order by day, page, section) % 25 = 7
        """
    )
    ledger.world.run(
        """
        update section_rows set views = 0
        from hit as h
        where section_rows.day = h.day
            and section_rows.page = h.page
            and section_rows.section = h.section
        """
    )
    ledger.record(
        "sections_without_views", "OTH07", "Sections are reached on a page that nobody viewed.",
        "heatmap.page_interactions", "key", of="select count(*) from section_rows",
    )  # fmt: skip


def _contracts(ledger: Ledger) -> None:
    ledger.pick(
        """
        select sopimus as key
        from contract_rows
        qualify row_number() over (order by sopimus) % 40 = 7
        """
    )
    ledger.world.run(
        "update contract_rows set paattyy = alkaa where sopimus in (select key from hit)"
    )
    ledger.record(
        "contract_ends_at_once", "OTH08", "A contract ends on the day on which it begins.",
        "contracts.contracts", "key", of="select count(*) from contract_rows",
    )  # fmt: skip
