"""Sessions and users from flat web events: in SQL, in pandas and in polars, to the same rows.

Each of the three is what one would write in that library without tricks. All read one Parquet file
of events and write one of sessions and one of users; ``python -m tests.benchmarks.side_by_side
ENGINE EVENTS FOLDER`` runs one of them in a process of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

# First and last of a session follow the clock; events of one instant follow their key.
_SESSIONS = """
    select
        client_id,
        session_ref,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) as event_count,
        count(*) filter (where event_name = 'page_view') as page_view_count,
        coalesce(sum(engagement_seconds), 0) as engagement_seconds,
        min_by(page_path, (occurred_at, event_key)) as landing_page_path,
        max_by(page_path, (occurred_at, event_key)) as exit_page_path,
        min_by(user_id, (occurred_at, event_key)) filter (where user_id is not null) as user_id,
        count(*) filter (where event_name = 'purchase') > 0 as has_purchase
    from read_parquet('{events}')
    group by client_id, session_ref
"""
_USERS = """
    select
        coalesce(user_id, client_id) as user_key,
        user_id is not null as is_logged_in,
        count(*) as session_count,
        count(distinct client_id) as client_count,
        cast(sum(event_count) as bigint) as event_count,
        count(*) filter (where has_purchase) as order_session_count,
        min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at,
        min_by(landing_page_path, (started_at, client_id, session_ref)) as first_page_path
    from sessions
    group by coalesce(user_id, client_id), user_id is not null
"""


def with_sql(events: Path, folder: Path) -> None:
    """DuckDB."""
    with duckdb.connect() as connection:
        connection.execute("create table sessions as " + _SESSIONS.format(events=events))
        connection.execute(f"copy sessions to '{folder}/sessions.parquet'")
        connection.execute(f"copy ({_USERS}) to '{folder}/users.parquet'")


def with_pandas(events: Path, folder: Path) -> None:
    """pandas."""
    import pandas as pd

    table = pd.read_parquet(events).sort_values(["occurred_at", "event_key"])
    table["is_page_view"] = table["event_name"] == "page_view"
    table["is_purchase"] = table["event_name"] == "purchase"
    sessions = table.groupby(["client_id", "session_ref"], as_index=False).agg(
        started_at=("occurred_at", "min"),
        ended_at=("occurred_at", "max"),
        event_count=("event_name", "size"),
        page_view_count=("is_page_view", "sum"),
        engagement_seconds=("engagement_seconds", "sum"),
        landing_page_path=("page_path", "first"),
        exit_page_path=("page_path", "last"),
        user_id=("user_id", "first"),  # of those that are there
        has_purchase=("is_purchase", "any"),
    )
    sessions.to_parquet(folder / "sessions.parquet", index=False)
    sessions = sessions.sort_values(["started_at", "client_id", "session_ref"])
    sessions["user_key"] = sessions["user_id"].fillna(sessions["client_id"])
    sessions["is_logged_in"] = sessions["user_id"].notna()
    users = sessions.groupby(["user_key", "is_logged_in"], as_index=False).agg(
        session_count=("session_ref", "size"),
        client_count=("client_id", "nunique"),
        event_count=("event_count", "sum"),
        order_session_count=("has_purchase", "sum"),
        first_seen_at=("started_at", "min"),
        last_seen_at=("ended_at", "max"),
        first_page_path=("landing_page_path", "first"),
    )
    users.to_parquet(folder / "users.parquet", index=False)


def with_polars(events: Path, folder: Path) -> None:
    """Polars, lazily, so that it plans the whole query."""
    import polars as pl

    order = ["occurred_at", "event_key"]
    sessions = (
        pl.scan_parquet(events)
        .group_by("client_id", "session_ref")
        .agg(
            started_at=pl.col("occurred_at").min(),
            ended_at=pl.col("occurred_at").max(),
            event_count=pl.len(),
            page_view_count=(pl.col("event_name") == "page_view").sum(),
            engagement_seconds=pl.col("engagement_seconds").sum(),
            landing_page_path=pl.col("page_path").sort_by(order).first(),
            exit_page_path=pl.col("page_path").sort_by(order).last(),
            user_id=pl.col("user_id").sort_by(order).drop_nulls().first(),
            has_purchase=(pl.col("event_name") == "purchase").any(),
        )
        .collect()
    )
    sessions.write_parquet(folder / "sessions.parquet")
    users = (
        sessions.lazy()
        .group_by(
            user_key=pl.coalesce("user_id", "client_id"),
            is_logged_in=pl.col("user_id").is_not_null(),
        )
        .agg(
            session_count=pl.len(),
            client_count=pl.col("client_id").n_unique(),
            event_count=pl.col("event_count").sum(),
            order_session_count=pl.col("has_purchase").sum(),
            first_seen_at=pl.col("started_at").min(),
            last_seen_at=pl.col("ended_at").max(),
            first_page_path=pl.col("landing_page_path")
            .sort_by(["started_at", "client_id", "session_ref"])
            .first(),
        )
        .collect()
    )
    users.write_parquet(folder / "users.parquet")


ENGINES: dict[str, Callable[[Path, Path], None]] = {
    "duckdb": with_sql,
    "pandas": with_pandas,
    "polars": with_polars,
}


def flat_events(hand_written: Path, target: Path) -> int:
    """Write the events that the three read, from the hand-written script's database.

    Args:
        hand_written: The database.
        target: The Parquet file.

    Returns:
        Rows.
    """
    with duckdb.connect(str(hand_written), read_only=True) as connection:
        row = connection.execute(
            f"""
            copy (
                select
                    row_number() over () as event_key, client_id, session_ref, user_id, event_name,
                    occurred_at, page_path, engagement_seconds
                from web_events
                where client_id is not null and session_ref is not null
            ) to '{target}' (format parquet)
            """
        ).fetchone()
    return int(row[0]) if row else 0


def differing_rows(one: Path, other: Path) -> dict[str, int]:
    """Rows that only one of two engines' folders has, by table.

    Args:
        one: A folder.
        other: Another folder.

    Returns:
        Counts; all zero where the results are equal. Sums of seconds are compared to the
        microsecond, because the engines add up in different orders.
    """
    found = {}
    with duckdb.connect() as connection:
        for table, replaced in (
            ("sessions", "replace (round(engagement_seconds, 6) as engagement_seconds)"),
            ("users", ""),
        ):
            names = [
                row[0]
                for row in connection.execute(f"describe from '{one}/{table}.parquet'").fetchall()
            ]
            # Engines type counts and times differently: the comparison is of values.
            casts = ", ".join(
                f"{name}::timestamp as {name}"
                if name.endswith("_at")
                else f"{name}::bigint as {name}"
                if name.endswith("_count")
                else name
                for name in names
            )
            left, right = (
                f"(select * {replaced} from (select {casts} from '{folder}/{table}.parquet'))"
                for folder in (one, other)
            )
            row = connection.execute(
                f"""
                select
                    (select count(*) from (from {left} except all from {right}))
                    + (select count(*) from (from {right} except all from {left}))
                """
            ).fetchone()
            found[table] = int(row[0]) if row else 0
    return found


if __name__ == "__main__":
    ENGINES[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
