"""Whether the hand-written script and the warehouse yield the same rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

# A visit that an advertisement brought meets it in the moment in which it arrives. Where nothing
# else tells which of the two is meant, the warehouse goes by a key that the script has not.
_SAME_MOMENT = "case {0} when 'ad_click' then 'landing_page' else {0} end"
_COMPARED_AS = {
    ("mart_customer_timeline", "touchpoint_id"): _SAME_MOMENT,
    ("dim_customers", "last_touchpoint_id"): _SAME_MOMENT,
    ("dim_customers", "last_channel"): "case {0} when 'ad' then 'web' else {0} end",
    # a sum of doubles depends on the order in which threads add
    ("fct_sessions", "engagement_seconds"): "round({0}, 6)",
}
# The warehouse withholds figures of few observations, and of more where the former could be
# computed from them: the script withholds nothing, and has to have what is shown.
_WITHHELD = {"mart_journey_metrics": ("n_effective", "value", "ci_low", "ci_high")}
# Those figures are sums of doubles, too: of their size, so much may differ.
_TOLERANCE = 1e-9


def differences(hand_written: Path, marts: Path) -> dict[str, tuple[int, int]]:
    """Compare every mart of the script with the published one: each of its columns, row for row.

    The script numbers customers, the warehouse names them: the two are matched by the sessions and
    orders that they share, and have to match one to one.

    Args:
        hand_written: The script's marts.
        marts: The published database.

    Returns:
        Per mart: rows compared, and rows that only one of the two has. ``customer_pairs`` counts
        the customers that do not match one to one.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{hand_written}' as hand (read_only)")
        connection.execute(f"attach '{marts}' as published (read_only)")
        connection.execute(
            """
            create temp table pairs as
            select distinct h.customer_id as number, p.customer_id as name
            from hand.fct_sessions as h
            inner join published.fct_sessions as p on h.session_key = p.session_key
            union
            select h.customer_id, p.customer_id
            from hand.fct_orders as h
            inner join published.fct_orders as p on h.order_id = p.order_id
            """
        )
        found = {}
        for mart in yielded(hand_written):
            columns = [row[0] for row in connection.execute(f"describe hand.{mart}").fetchall()]
            sides = [_rows(mart, columns, side) for side in ("hand", "published")]
            row = connection.execute(
                f"""
                select
                    (select count(*) from hand.{mart}),
                    (select count(*) from ({sides[0]} except all {sides[1]}))
                    + (select count(*) from ({sides[1]} except all {sides[0]}))
                """
            ).fetchone()
            assert row is not None
            found[mart] = (int(row[0]), int(row[1]))
        row = connection.execute(
            "select count(*), 2 * count(*) - count(distinct number) - count(distinct name)"
            " from pairs"
        ).fetchone()
        assert row is not None
        found["customer_pairs"] = (int(row[0]), int(row[1]))
        return found


def yielded(hand_written: Path) -> list[str]:
    """Names of the script's marts: those of the warehouse.

    Args:
        hand_written: The script's marts.

    Returns:
        Names, in alphabetical order.
    """
    with duckdb.connect(str(hand_written), read_only=True) as connection:
        return [row[0] for row in connection.execute("show tables").fetchall()]


def _rows(mart: str, columns: list[str], side: str) -> str:
    """What a side is brought to: the same columns, customers by the warehouse's name."""
    withheld = _WITHHELD.get(mart, ())
    listed = []
    for column in columns:
        if column == "customer_id":
            listed.append("known.name as customer_id")
        elif column in withheld and side == "hand":
            listed.append(
                f"case when shown.is_suppressed then null when abs(t.{column} - shown.{column})"
                f" <= {_TOLERANCE} * greatest(1, abs(shown.{column})) then shown.{column}"
                f" else t.{column} end as {column}"
            )
        else:
            listed.append(_COMPARED_AS.get((mart, column), "{0}").format(f"t.{column}"))
    joins = ""
    if "customer_id" in columns:
        known = {
            "hand": "pairs as known on t.customer_id = known.number",
            "published": "(select distinct name from pairs) as known on t.customer_id = known.name",
        }
        joins += f" left join {known[side]}"
    if withheld and side == "hand":
        cell = [column for column in columns if column not in withheld]
        same = " and ".join(f"t.{column} is not distinct from shown.{column}" for column in cell)
        joins += f" left join published.{mart} as shown on {same}"
    return f"select {', '.join(listed)} from {side}.{mart} as t{joins}"
