"""Writing: SQL to JSON lines, CSV and Parquet, with the delivery time as the file's own time."""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from seeds.sample.world import SECOND, World

MACROS = (
    "create or replace macro utc_text(us) as strftime(make_timestamp(us), '%Y-%m-%dT%H:%M:%SZ')",
    "create or replace macro utc_text_ms(us) as"
    " strftime(make_timestamp(us), '%Y-%m-%dT%H:%M:%S.%gZ')",
    "create or replace macro local_time(us) as timezone('Europe/Helsinki', make_timestamptz(us))",
    "create or replace macro local_text(us) as strftime(local_time(us), '%Y-%m-%d %H:%M:%S')",
    "create or replace macro local_month(us) as strftime(local_time(us), '%Y%m')",
    "create or replace macro offset_text(us) as strftime(local_time(us), '%Y-%m-%dT%H:%M:%S')"
    " || '+0' || date_diff('hour', make_timestamp(us), local_time(us)) || ':00'",
    # A draw that is the digest of what it is of: one more moves nobody else's.
    "create or replace macro draw(part) as"
    " cast('0x' || substr(md5(part), 1, 7) as bigint) / 268435456.0",
    # The ways in which people and systems write one number.
    """create or replace macro phone_text(phone, style) as case style % 4
        when 0 then phone
        when 1 then '0' || phone[5:6] || ' ' || phone[7:]
        when 2 then '+358 ' || phone[5:6] || ' ' || phone[7:9] || ' ' || phone[10:]
        else '0' || phone[5:]
    end""",
)


def add_macros(world: World) -> None:
    """Define the text forms that exports share."""
    for macro in MACROS:
        world.run(macro)


def write_jsonl(world: World, sql: str, path: Path, delivered_at: int) -> None:
    """Write a query as JSON lines; a struct column becomes an object, null stays null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    world.con.execute(f"copy ({sql}) to '{_quoted(path)}' (format json, array false)")
    stamp(path, delivered_at)


def write_json_array(world: World, sql: str, path: Path, delivered_at: int) -> None:
    """Write a query as one JSON array of objects, on one line as an API answers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = world.con.execute(f"select cast(to_json(r) as varchar) from ({sql}) as r").fetchall()
    path.write_text(f"[{','.join(row for (row,) in rows)}]", encoding="utf-8")
    stamp(path, delivered_at)


def write_csv(
    world: World,
    sql: str,
    path: Path,
    delivered_at: int,
    delimiter: str = ",",
    encoding: str = "utf-8",
    raw_lines: tuple[str, ...] = (),
) -> None:
    """Write a query as CSV in an encoding, with raw lines (broken ones) at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cursor = world.con.execute(sql)
    header = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchall()
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    for line in raw_lines:
        text.write(line + "\n")
    path.write_bytes(text.getvalue().encode(encoding))
    stamp(path, delivered_at)


def write_parquet(con: duckdb.DuckDBPyConnection, sql: str, path: Path, delivered_at: int) -> None:
    """Write a query as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy ({sql}) to '{_quoted(path)}' (format parquet, compression zstd)")
    stamp(path, delivered_at)


def append_line(path: Path, line: str, delivered_at: int) -> int:
    """Add a raw line (a broken one) to a file; returns its line number."""
    data = path.read_bytes()
    path.write_bytes(data + line.encode() + b"\n")
    stamp(path, delivered_at)
    return data.count(b"\n") + 1


def stamp(path: Path, delivered_at: int) -> None:
    """Set the file's time to when the vendor delivered it."""
    seconds = delivered_at // SECOND
    os.utime(path, (seconds, seconds))


def delivery_text(delivered_at: int) -> str:
    """A delivery time in words, for the truth."""
    return datetime.fromtimestamp(delivered_at // SECOND, UTC).isoformat()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
