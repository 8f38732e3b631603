"""Whether the hand-written script and the warehouse yield the same rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

_SAME_NAMED = {
    "sessions": (
        "started_at, ended_at, session_date, duration_seconds, engagement_seconds, is_engaged,"
        " user_count, event_count, page_view_count, search_count, error_count, traffic_source,"
        " traffic_medium, traffic_campaign, channel_group, landing_page_path, exit_page_path,"
        " device_category, operating_system, browser, country, language, item_viewed_at,"
        " cart_added_at, checkout_begun_at, payment_added_at, purchased_at, has_purchase,"
        " transaction_id, has_login"
    ),
    "orders": (
        "order_id, ordered_at, order_date, customer_order_number, total_amount, refund_amount,"
        " net_amount, status, is_counted, line_count"
    ),
    "touchpoints": (
        "source_kind, touchpoint_id, journey_stage, occurred_at, occurred_date, value_eur"
    ),
    "customers": (
        "is_known, contact_id_count, user_id_count, customer_ref_count, email_hash_count,"
        " client_id_count, session_count, last_session_at, order_count, refunded_order_count,"
        " revenue_net_eur, first_order_at, last_order_at, touchpoint_count, first_touchpoint_at,"
        " last_touchpoint_at, case_count"
    ),
}
_SESSION_KEY = "md5('ga4|session|' || {0}.client_id || '|' || {0}.session_ref)"


def differences(hand_written: Path, marts: Path) -> dict[str, tuple[int, int]]:
    """Compare every table of the script with the published mart of the same content.

    The script numbers customers, the warehouse names them: the two are matched by the sessions and
    orders that they share, and have to match one to one.

    Args:
        hand_written: The script's database.
        marts: The published database.

    Returns:
        Per table: rows compared, and rows that only one of the two has. ``customer_pairs`` counts
        the customers that do not match one to one.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{hand_written}' as hand (read_only)")
        connection.execute(f"attach '{marts}' as published (read_only)")
        connection.execute(_views())
        found = {}
        for table in ("sessions", "orders", "touchpoints", "customers", "journey_days"):
            row = connection.execute(
                f"""
                select
                    (select count(*) from {table}_hand),
                    (select count(*) from (from {table}_hand except all from {table}_published))
                    + (select count(*) from (from {table}_published except all from {table}_hand))
                """
            ).fetchone()
            assert row is not None
            found[table] = (int(row[0]), int(row[1]))
        row = connection.execute(
            """
            select
                count(*),
                2 * count(*) - count(distinct customer) - count(distinct customer_id)
            from pairs
            """
        ).fetchone()
        assert row is not None
        found["customer_pairs"] = (int(row[0]), int(row[1]))
        return found


def _views() -> str:
    """What both sides are brought to: the same columns, customers by the warehouse's name."""
    columns = {
        table: [name.strip() for name in names.split(",")] for table, names in _SAME_NAMED.items()
    }
    mart = {
        "sessions": "fct_sessions",
        "orders": "fct_orders",
        "touchpoints": "fct_touchpoints",
        "customers": "dim_customers",
    }
    identity = {
        "sessions": (f"{_SESSION_KEY.format('t')} as session_key, c.customer_id", "t.session_key"),
        "orders": (f"{_SESSION_KEY.format('t')} as session_key, p.customer_id", "t.session_key"),
        "touchpoints": (
            f"{_SESSION_KEY.format('t')} as session_key, p.customer_id",
            "t.session_key",
        ),
        "customers": ("p.customer_id", ""),
    }
    views = [
        # A visit's customer is its client's.
        f"""
        create temp table pairs as
        select distinct i.customer, f.customer_id
        from hand.sessions as s
        inner join hand.identifiers as i on 'client ' || s.client_id = i.identifier
        inner join published.fct_sessions as f on {_SESSION_KEY.format("s")} = f.session_key
        union
        select o.customer, f.customer_id
        from hand.orders as o
        inner join published.fct_orders as f on o.order_id = f.order_id
        """,
        """
        create temp table clients as
        select i.identifier[8:] as client_id, p.customer_id
        from hand.identifiers as i
        left join pairs as p on i.customer = p.customer
        where i.kind = 'client'
        """,
    ]
    for table, names in columns.items():
        listed = ", ".join(
            # a sum of doubles depends on the order in which threads add
            f"round(t.{name}, 6) as {name}" if name == "engagement_seconds" else f"t.{name}"
            for name in names
        )
        hand_identity, own_key = identity[table]
        joined = (
            "left join clients as c on t.client_id = c.client_id"
            if table == "sessions"
            else "left join pairs as p on t.customer = p.customer"
        )
        views.append(
            f"create temp view {table}_hand as "
            f"select {listed}, {hand_identity} from hand.{table} as t {joined}"
        )
        key = f", {own_key}" if own_key else ""
        views.append(
            f"create temp view {table}_published as select {listed}{key}, p.customer_id "
            f"from published.{mart[table]} as t "
            "left join (select distinct customer_id from pairs) as p "
            "on t.customer_id = p.customer_id"
        )
    views.append(
        """
        create temp view journey_days_published as
        select metric_id, period_start, n, round(value, 9) as value
        from published.mart_journey_metrics
        where
            period_type = 'day'
            and metric_id in (
                'conversion', 'conversion_rate', 'nps', 'ces_mean', 'average_order_value'
            )
            and journey_stage = 'all' and channel = 'all'
            and touchpoint_id = 'all' and persona_id = 'all'
        """
    )
    # A figure over few observations is published without its value.
    views.append(
        """
        create temp view journey_days_hand as
        select
            h.metric_id,
            h.period_start,
            h.n,
            case when p.n is null or p.value is not null then round(h.value, 9) end as value
        from hand.journey_days as h
        left join journey_days_published as p
            on h.metric_id = p.metric_id and h.period_start = p.period_start
        """
    )
    return ";\n".join(views)
