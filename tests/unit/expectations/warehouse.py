"""A small warehouse for the audit's tests: the real audit models over tables of our own.

`build` runs a throw-away dbt project with the project's own macros and audit models; each model
they read is a stub over a Parquet file of rows that the test chose. The columns are those that the
conformed families declare, so a rule that reads a column no family has fails here.
"""

from __future__ import annotations

import atexit
import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from expectations.plan import Plan, export_tables
from tests.warm_start import run_module

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"

_TIMES = pa.timestamp("us")
_TYPES: dict[str, pa.DataType] = {
    "_at": _TIMES,
    "_date": pa.date32(),
    "_seconds": pa.float64(),
    "_amount": pa.float64(),
    "_share": pa.float64(),
    "_count": pa.int64(),
    "_number": pa.int64(),
    "_rows": pa.int64(),
}
_EXCEPTIONS: dict[str, pa.DataType] = {
    "answer_number": pa.float64(),
    "value_length": pa.int64(),
    "quantity": pa.float64(),
    "unit_price": pa.float64(),
    "event_value": pa.float64(),
    "amount": pa.float64(),
    "birth_year": pa.int64(),
    "item_index": pa.int64(),
    "clicks": pa.int64(),
    "furthest_lifecycle_rank": pa.int64(),
    "tone": pa.int64(),
    "impressions": pa.int64(),
    "rating": pa.float64(),
    "reading_value": pa.float64(),
    "view_count": pa.float64(),
    "reached_count": pa.float64(),
    "click_count": pa.float64(),
    "rage_click_count": pa.float64(),
    "dead_click_count": pa.float64(),
    "hover_count": pa.float64(),
    "backtrack_count": pa.float64(),
    "scroll_reversal_count": pa.float64(),
}

TABLES: dict[str, str] = {
    "int_web_events_landed": (
        "web_event_key source stream_id platform event_name occurred_at event_date partition_date"
        " server_offset_seconds batch_id loaded_at is_intraday is_duplicate is_superseded client_id"
        " session_ref session_ref_type session_number user_id is_session_engaged engagement_seconds"
        " page_host page_path page_title referrer_host has_personal_data traffic_source"
        " traffic_medium traffic_campaign click_id_type first_user_source first_user_medium"
        " device_category operating_system browser app_version country language is_internal"
        " consent_analytics consent_ads transaction_id event_value currency tax_amount"
        " shipping_amount item_count items_amount items_missing_id_count"
        " items_missing_price_count scroll_share video_share search_term link_target error_code"
        " error_message content_id method coupon"
    ),
    "int_web_event_params_unioned": (
        "web_event_key source event_date partition_date event_name platform param_key value_type"
        " value_text value_length has_personal_data"
    ),
    "int_web_event_param_values_unioned": (
        "web_event_key source event_date partition_date stream_id event_name platform param_key"
        " value_type value_text value_length has_personal_data param_count"
    ),
    "int_web_user_properties_unioned": (
        "web_event_key source event_date partition_date stream_id platform occurred_at user_id"
        " device_category browser app_version property_key value_text value_length"
        " has_personal_data event_count"
    ),
    "int_touched_web_days": "source partition_date",
    "int_touched_sessions": "source client_id session_ref session_key from_date to_date",
    "int_orders_unioned": (
        "order_key source order_id order_name channel ordered_at order_date currency"
        " subtotal_amount tax_amount shipping_amount discount_amount total_amount status"
        " is_cancelled is_test payment_method email_hash phone_hash customer_ref contact_id"
        " loyalty_id user_id client_id transaction_ref cart_ref store_id updated_at"
    ),
    "int_order_lines_unioned": (
        "order_line_key order_key source order_id line_number product_id product_name quantity"
        " unit_price discount_amount line_amount unit_cost"
    ),
    "int_crm_contacts_unioned": (
        "crm_contact_key source contact_id company_id email_hash phone_hash loyalty_id user_id"
        " client_id lifecycle_stage furthest_lifecycle_rank persona_id country city birth_year"
        " has_email_consent has_sms_consent created_at updated_at is_deleted is_email_valid"
        " is_test_address"
    ),
    "int_crm_deals_unioned": (
        "crm_deal_key source deal_id contact_id company_id pipeline stage amount currency"
        " created_at closed_at is_won is_closed is_deleted"
    ),
    "int_service_cases_unioned": (
        "service_case_key source case_id contact_id email_hash phone_hash channel topic priority"
        " status created_at first_response_at solved_at updated_at agent_id team_id is_deleted"
        " order_ref"
    ),
    "int_messages_unioned": (
        "message_event_key source campaign_id campaign_name message_id channel event_type"
        " occurred_at email_hash phone_hash contact_id link_url_path"
    ),
    "int_ad_spend_unioned": (
        "ad_spend_key source spend_date platform campaign_id campaign_name traffic_source"
        " traffic_medium currency spend_amount impressions clicks"
    ),
    "int_service_contacts_unioned": (
        "service_contact_key source contact_ref case_ref channel direction queue menu_choice topic"
        " agent_id team_id phone_hash email_hash loyalty_id client_id started_at ended_at"
        " wait_seconds handle_seconds outcome is_transferred is_resolved"
    ),
    "int_survey_responses_unioned": (
        "survey_response_key source survey_id response_id invitation_id email_hash phone_hash"
        " contact_id user_id client_id loyalty_id order_ref case_ref channel touchpoint_id language"
        " invited_at started_at submitted_at submitted_date is_complete"
    ),
    "int_survey_responses_waved": "survey_response_key wave_id",
    "int_survey_invitations_unioned": (
        "survey_invitation_key source survey_id invitation_id email_hash phone_hash contact_id"
        " channel touchpoint_id invited_at is_delivered"
    ),
    "int_survey_answers_unioned": (
        "survey_answer_key survey_response_key source survey_id response_id question_id"
        " question_version answer_text answer_number submitted_at"
    ),
    "int_feedback_unioned": (
        "feedback_key source kind feedback_id given_at channel touchpoint_id place product_id"
        " rating scale_min scale_max theme feedback_text language contact_id user_id loyalty_id"
        " email_hash"
    ),
    "int_readings_unioned": (
        "reading_key source kind measured_at subject channel touchpoint_id reading_value"
        " duration_seconds is_successful valid_until user_id client_id loyalty_id"
    ),
    "int_contracts_unioned": (
        "contract_key source contract_id product_id channel started_at ends_at cancelled_at"
        " is_renewed currency contract_amount contact_id user_id loyalty_id customer_ref email_hash"
        " phone_hash updated_at"
    ),
    "int_page_interactions_unioned": (
        "page_interaction_key source interaction_date page_path section view_count reached_count"
        " dwell_seconds click_count rage_click_count dead_click_count hover_count backtrack_count"
        " scroll_reversal_count"
    ),
    "survey_questions": (
        "source survey_id question_id question_version metric_id dimension scale_min scale_max"
        " high_is_good touchpoint_id"
    ),
    "sentiment_words": "word_stem tone",
    "manifest": (
        "batch_id run_id source vendor table_name source_file file_key content_sha256 delivered_at"
        " loaded_at rows_read rows_landed rows_quarantined min_dt max_dt status error is_required"
    ),
}


# Columns that name somebody or something; who is repeated is somebody else each time.
_NAMES = (
    "client_id session_ref session_key transaction_id transaction_ref order_id order_ref"
    " customer_ref contact_id contact_ref loyalty_id email_hash phone_hash deal_id case_id case_ref"
    " message_id response_id invitation_id feedback_id store_id"
)
# What the project, not a customer, brings forth: one of each however many customers there are.
_OF_THE_PROJECT = frozenset({"survey_questions", "sentiment_words", "manifest"})


def _type_of(column: str) -> pa.DataType:
    if column in _EXCEPTIONS:
        return _EXCEPTIONS[column]
    if column.startswith(("is_", "has_")) or column == "high_is_good":
        return pa.bool_()
    if column.startswith("rows_"):
        return pa.int64()
    if column in ("scale_min", "scale_max"):
        return pa.float64()
    for ending, kind in _TYPES.items():
        if column.endswith(ending):
            return kind
    return pa.string()


@dataclass
class Rows:
    """Rows by table; a test adds the rows it needs and leaves the other columns null."""

    tables: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {name: [] for name in TABLES}
    )

    def add(self, table: str, **values: Any) -> None:
        """Add one row."""
        unknown = set(values) - set(TABLES[table].split())
        assert not unknown, f"{table} has no column {sorted(unknown)}"
        self.tables[table].append(values)


def _repeated(column: str, table: str) -> str:
    """Return the column's expression in the n-th repetition of a table; its first is as given."""
    is_name = column in _NAMES.split() or (
        column.endswith("_key") and column not in ("param_key", "property_key")
    )
    # each time it is another counter, and another author of the same words
    is_name |= (table, column) in {
        ("int_readings_unioned", "subject"),
        ("int_feedback_unioned", "place"),
    }
    if column == "user_id" and table in (
        "int_web_events_landed",
        "int_web_user_properties_unioned",
    ):
        # What stands there instead of a user ("undefined") means the same whoever sends it.
        renamed = "n > 0 and user_id similar to 'u[0-9.]+'"
    elif is_name:
        renamed = "n > 0"
    else:
        return column
    return f"case when {renamed} then {column} || '-' || n else {column} end"


def _param_values(rows: Rows) -> list[dict[str, Any]]:
    """Return the values of the parameters of events that count, as the staging view has them."""
    events = {event["web_event_key"]: event for event in rows.tables["int_web_events_landed"]}
    return [
        {**param, "stream_id": event.get("stream_id"), "param_count": 1}
        for param in rows.tables["int_web_event_params_unioned"]
        for event in [events[param["web_event_key"]]]
        if not event.get("is_duplicate") and not event.get("is_superseded")
    ]


def _write(rows: Rows, folder: Path, times: int) -> None:
    derived = {"int_web_event_param_values_unioned": _param_values(rows)}
    for name, columns in TABLES.items():
        schema = pa.schema([(column, _type_of(column)) for column in columns.split()])
        given = pa.Table.from_pylist(derived.get(name, rows.tables[name]), schema=schema)
        if times == 1 or name in _OF_THE_PROJECT:
            pq.write_table(given, folder / f"{name}.parquet")
            continue
        chosen = ", ".join(f"{_repeated(c, name)} as {c}" for c in columns.split())
        with duckdb.connect() as connection:
            connection.execute("set preserve_insertion_order = false")
            connection.register("given", given)
            connection.execute(
                f"copy (select {chosen} from given, range({times}) as repetitions (n))"
                f" to '{folder / name}.parquet' (format parquet)"
            )


def build(
    rows: Rows,
    plan: Plan,
    folder: Path,
    environment: Mapping[str, str] = {},
    given: Mapping[str, pa.Table] = {},
    select: str | None = None,
    times: int = 1,
) -> Path:
    """Build the audit models over the rows; return the warehouse file.

    Args:
        rows: what the models read.
        plan: the measurement plan.
        folder: where the project and the warehouse are written.
        environment: variables for dbt.
        given: audit models whose rows the test gives itself.
        select: the models to build, with dbt's syntax; all by default.
        times: how often the rows stand there, each time of other customers: shares stay, counts
            grow.
    """
    home = folder / "home"
    tables = folder / "tables"
    project = folder / "project"
    for path in (home, tables):
        path.mkdir(parents=True, exist_ok=True)
    _write(rows, tables, times)
    export_tables(plan, home / "state" / "plan")

    for name, table in given.items():
        pq.write_table(table, tables / f"{name}.parquet")
    project.symlink_to(_project(frozenset(given)))
    return _run_dbt(folder, environment, select)


@cache
def _project(given: frozenset[str]) -> Path:
    """A dbt project of the audit models over tables of any folder; parsed once, by its first build.

    Args:
        given: the audit models that are read from a table, too.
    """
    project = Path(tempfile.mkdtemp(prefix="audit_project"))
    atexit.register(shutil.rmtree, project, ignore_errors=True)
    shutil.copytree(PROJECT / "macros", project / "macros")
    shutil.copytree(PROJECT / "models" / "intermediate" / "audit", project / "models" / "audit")
    shutil.copy(PROJECT / "profiles.yml", project / "profiles.yml")
    stubs = project / "models" / "stubs"
    stubs.mkdir()
    tables = "read_parquet('{{ env_var(\"TABLES\") }}/%s.parquet')"
    for name in given:
        (project / "models" / "audit" / f"{name}.sql").unlink()
    for name in {*TABLES, *given} - {"manifest"}:
        (stubs / f"{name}.sql").write_text(
            f"{{{{ config(materialized='view') }}}}\nselect * from {tables % name}\n"
        )
    (stubs / "_landing__sources.yml").write_text(
        yaml.safe_dump(
            {
                "version": 2,
                "sources": [
                    {
                        "name": "landing",
                        "config": {"meta": {"external_location": tables % "manifest"}},
                        "tables": [{"name": "manifest"}],
                    }
                ],
            }
        )
    )
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    settings |= {"name": "audit_test", "models": {"+materialized": "table"}}
    for key in ("seeds", "seed-paths", "test-paths"):
        settings.pop(key, None)
    # Column descriptions and keys are tested in the project itself; groups are defined outside.
    (project / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    return project


def build_next(rows: Rows, folder: Path) -> Path:
    """Build on top of a folder that was built: only these rows are left of what the models read."""
    _write(rows, folder / "tables", 1)
    return _run_dbt(folder)


def _run_dbt(folder: Path, environment: Mapping[str, str] = {}, select: str | None = None) -> Path:
    home, project = folder / "home", (folder / "project").resolve()
    result = run_module(
        "dbt.cli.main",
        *("--quiet", "run", "--no-version-check"),
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *(("--select", select) if select else ()),
        environment={
            **os.environ,
            **environment,
            "CXW_HOME": str(home),
            "TABLES": str(folder / "tables"),
            "DO_NOT_TRACK": "1",
            "DBT_TARGET_PATH": str(project / "target"),
            "DBT_LOG_PATH": str(project / "logs"),
        },
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return home / "warehouse.duckdb"


def day(number: int) -> dt.date:
    """Return the test window's n-th day; the first is a Monday."""
    return dt.date(2026, 1, 5) + dt.timedelta(days=number)


def at(number: int, seconds: float = 43200) -> dt.datetime:
    """Return a UTC time on the n-th day, at noon unless told."""
    return dt.datetime.combine(day(number), dt.time()) + dt.timedelta(seconds=seconds)


def connect(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Open the built warehouse for reading."""
    return duckdb.connect(str(warehouse), read_only=True)
