"""Landing and staging against DuckDB doing the bare minimum with the same file.

``python -m tests.benchmarks.ingestion WHAT FORMAT FILE FOLDER`` runs one part in a process of its
own: ``bare`` copies the file to Parquet and, for web events, flattens it into a table; ``land``
lands it in the raw zone, ``parse`` readies dbt, and ``stage`` builds the staging model of events.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]

_TEXTS = (
    *("page_location", "page_title", "page_referrer", "source", "medium", "campaign"),
    *("transaction_id", "currency", "search_term", "link_url", "error_code", "error_message"),
    *("content_id", "method", "coupon", "traffic_type", "debug_mode", "gclid", "dclid"),
    *("ga_session_id", "session_engaged"),
)
_NUMBERS = (
    *("ga_session_number", "engagement_time_msec", "value", "tax", "shipping"),
    *("percent_scrolled", "video_percent"),
)
VENDORS = {"parquet": "ga4", "csv": "email_campaigns", "jsonl": "shopify"}


def copy_bare(kind: str, file: Path, folder: Path) -> None:
    """Read the file with DuckDB's reader and write it as Parquet; flatten web events."""
    reader = {
        "parquet": f"read_parquet('{file}')",
        "csv": f"read_csv('{file}', header = true, all_varchar = true)",
        "jsonl": f"read_json('{file}', format = 'newline_delimited')",
    }[kind]
    copied = folder / "copied.parquet"
    with duckdb.connect(str(folder / "bare.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"copy (from {reader}) to '{copied}' (format parquet, compression zstd)")
        if kind == "parquet":
            connection.execute(f"create or replace table flat as {_flattened(copied)}")


def _flattened(file: Path) -> str:
    value = "event_params[list_position(keys, '{0}')].value"
    texts = ", ".join(
        f"coalesce({value.format(key)}.string_value, {value.format(key)}.int_value::varchar)"
        f" as {key}"
        for key in _TEXTS
    )
    numbers = ", ".join(
        f"coalesce({value.format(key)}.double_value, {value.format(key)}.int_value) as {key}"
        for key in _NUMBERS
    )
    return f"""
        select
            event_date, event_timestamp, event_name, user_id, user_pseudo_id, stream_id, platform,
            {texts}, {numbers}, device.category, device.operating_system, device.web_info.browser,
            device.language, geo.country, traffic_source.source as first_source,
            traffic_source.medium as first_medium, collected_traffic_source.manual_source,
            collected_traffic_source.manual_medium, privacy_info.analytics_storage,
            privacy_info.ads_storage, len(items) as item_count,
            list_sum(list_transform(items, lambda x: x.price * x.quantity)) as items_amount
        from (
            select *, list_transform(event_params, lambda x: x.key) as keys
            from read_parquet('{file}')
        )
    """


def land(kind: str, file: Path, folder: Path) -> None:
    """Land the file as the only one of its source."""
    from orchestration.ingestion.landing import land as land_files
    from orchestration.ingestion.new_files import discover
    from orchestration.ingestion.sources import load_sources

    (folder / "sources.yml").write_text(
        f"version: 1\nsources:\n  - {{name: {VENDORS[kind]}, vendor: {VENDORS[kind]}, "
        f"path: {file.parent}}}\n",
        encoding="utf-8",
    )
    sources = load_sources(folder / "sources.yml")
    raw = folder / "raw"
    batches = land_files(discover(sources, raw), sources, raw, "benchmark", datetime.now(UTC))
    assert [batch.status for batch in batches] == ["loaded"], batches


def dbt(folder: Path, *arguments: str) -> None:
    """Run dbt over what was landed under a folder."""
    from dbt.cli.main import dbtRunner

    project = ROOT / "dbt_project"
    os.environ.update(
        CXW_HOME=str(folder),
        CXW_RAW=str(folder / "raw"),
        CXW_STATE=str(folder / "state"),
        DBT_PROFILES_DIR=str(project),
        DBT_PROJECT_DIR=str(project),
        DBT_TARGET_PATH=str(folder / "target"),
        DO_NOT_TRACK="1",
    )
    result = dbtRunner().invoke(["--quiet", *arguments, "--no-version-check"])
    if not result.success:
        raise RuntimeError(f"dbt {' '.join(arguments)}: {result.exception or result.result}")


if __name__ == "__main__":
    what, kind, file, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    if what == "bare":
        copy_bare(kind, file, folder)
    elif what == "land":
        land(kind, file, folder)
    elif what == "parse":
        dbt(folder, "parse")
    else:
        dbt(folder, "run", "--select", "+stg_ga4__web_events")
