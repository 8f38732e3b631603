"""Great Expectations over exported Parquet: a DuckDB of views, the shim, suites, Data Docs.

Nothing else in the project imports Great Expectations; the import takes 6–10 s, so it happens when
an audit runs and not before.
"""

from __future__ import annotations

import html
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb

from expectations.suites import Expectation


class _Dialect(StrEnum):
    """A dialect's name in the form that Great Expectations compares with."""

    DUCKDB = "duckdb"


_DUCKDB = _Dialect.DUCKDB


@dataclass(frozen=True)
class Judgement:
    """What Great Expectations said about one expectation."""

    expectation: Expectation
    success: bool
    failing_rows: list[dict[str, Any]]
    error: str | None = None


def create_views(database: Path, tables: Mapping[str, Path]) -> None:
    """Make a DuckDB file whose views read the exported Parquet files."""
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as connection:
        _create_views(connection, tables)


def _create_views(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Path]) -> None:
    for name, path in tables.items():
        escaped = str(path).replace("'", "''")
        connection.execute(f"create view {name} as select * from read_parquet('{escaped}')")


def query(tables: Mapping[str, Path], sql: str) -> list[dict[str, Any]]:
    """Return the rows of a query over Parquet files, named as views."""
    with duckdb.connect() as connection:
        _create_views(connection, tables)
        return list(connection.sql(sql).to_arrow_table().to_pylist())


def keep_connections_open(sqlalchemy_engine_module: Any) -> None:
    """Make Great Expectations keep its DuckDB connection between execute and fetch.

    It closes the connection before it fetches, for all dialects but those of a list; DuckDB's
    result dies with its connection ("list index out of range"). A test says when this is no longer
    needed.
    """
    dialects = sqlalchemy_engine_module._PERSISTED_CONNECTION_DIALECTS
    if _DUCKDB not in dialects:
        sqlalchemy_engine_module._PERSISTED_CONNECTION_DIALECTS = (*dialects, _DUCKDB)


def _import_great_expectations() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.execution_engine import sqlalchemy_execution_engine

    keep_connections_open(sqlalchemy_execution_engine)
    return gx


def judge(
    expectations: Sequence[Expectation], tables: Mapping[str, Path], work: Path, data_docs: Path
) -> list[Judgement]:
    """Run the suites and write the Data Docs.

    Args:
        expectations: what is expected, of tables among `tables`.
        tables: exported Parquet files by table name.
        work: folder for the DuckDB file of views.
        data_docs: folder of the Data Docs site; replaced.

    Returns:
        One judgement per expectation, in their order.
    """
    gx = _import_great_expectations()
    work.mkdir(parents=True, exist_ok=True)
    database = work / "audit_views.duckdb"
    create_views(database, tables)
    shutil.rmtree(data_docs, ignore_errors=True)
    data_docs.mkdir(parents=True)

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = {"globally": False}
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        site_name="audit",
        site_config={
            "class_name": "SiteBuilder",
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(data_docs.resolve()),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "show_how_to_buttons": False,
        },
    )
    datasource = context.data_sources.add_sql(
        "audit",
        connection_string=f"duckdb:///{database}",
        create_temp_table=False,
        kwargs={"connect_args": {"read_only": True}},
    )
    definitions = []
    for family in dict.fromkeys(expectation.family for expectation in expectations):
        for table in tables:
            chosen = [e for e in expectations if e.family == family and e.table == table]
            if not chosen:
                continue
            asset = datasource.add_table_asset(f"{family}_{table}", table_name=table)
            batch = asset.add_batch_definition_whole_table("whole")
            suite = context.suites.add(gx.ExpectationSuite(name=f"{family} in {table}"))
            for position, expectation in enumerate(expectations):
                if expectation in chosen:
                    suite.add_expectation(
                        gx.expectations.UnexpectedRowsExpectation(
                            unexpected_rows_query=expectation.query,
                            description=expectation.description,
                            severity=expectation.severity,
                            meta={"position": position, "check_id": expectation.check_id},
                        )
                    )
            definitions.append(
                context.validation_definitions.add(
                    gx.ValidationDefinition(name=suite.name, data=batch, suite=suite)
                )
            )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="audit",
            validation_definitions=definitions,
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": 20},
        )
    )
    outcome = checkpoint.run()
    context.build_data_docs()
    make_readable_offline(data_docs)

    judged: dict[int, Judgement] = {}
    for result in outcome.run_results.values():
        for item in result.results:
            position = int(item.expectation_config.meta["position"])
            expectation = expectations[position]
            error = _error(item.exception_info)
            # Great Expectations keeps 200 unexpected rows; a finding needs all of them.
            failed = not item.success and error is None
            judged[position] = Judgement(
                expectation=expectation,
                success=bool(item.success),
                failing_rows=query(tables, expectation.sql()) if failed else [],
                error=error,
            )
    _write_index(
        data_docs,
        [
            (result.suite_name, len(result.results), sum(not r.success for r in result.results))
            for result in outcome.run_results.values()
        ],
    )
    return [judged[position] for position in range(len(expectations))]


def _error(exception_info: Mapping[str, Any] | None) -> str | None:
    """Return the message of an exception that Great Expectations caught, if there is one."""
    entries: Iterable[Any] = [exception_info or {}, *(exception_info or {}).values()]
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("raised_exception"):
            return str(entry.get("exception_message"))
    return None


def make_readable_offline(data_docs: Path) -> None:
    """Replace what the Data Docs fetch from elsewhere by a style sheet of our own."""
    style = (Path(__file__).parent / "report" / "data_docs.css").read_text(encoding="utf-8")
    remote = re.compile(
        r"<script[^>]+src=[\"']https?://[^>]*>\s*</script>"
        r"|<link[^>]+href=[\"']https?://[^>]*>(?:\s*</link>)?"
        r"|<link[^>]+rel=[\"'](?:shortcut )?icon[^>]*>"
        r"|<img[^>]+src=[\"']https?://[^>]*>"
        r"|@import url\([\"']?https?://[^)]*\);?"
        r"|<footer.*?</footer>",
        re.IGNORECASE | re.DOTALL,
    )
    for page in data_docs.rglob("*.html"):
        text = remote.sub("", page.read_text(encoding="utf-8"))
        page.write_text(
            text.replace("</head>", f"<style>{style}</style></head>", 1), encoding="utf-8"
        )
    # Great Expectations' own fonts and pictures, 4 MB a site, are no longer referred to.
    shutil.rmtree(data_docs / "static", ignore_errors=True)


def _write_index(data_docs: Path, suites: Sequence[tuple[str, int, int]]) -> None:
    """Write the site's first page: its own is a table that only a remote script can fill."""
    style = (Path(__file__).parent / "report" / "data_docs.css").read_text(encoding="utf-8")
    rows = []
    for name, judged, failed in suites:
        pages = sorted((data_docs / "validations").glob(f"{name}/**/*.html"))
        pages += sorted((data_docs / "expectations").glob(f"{name}.html"))
        link = pages[0].relative_to(data_docs).as_posix() if pages else ""
        state = f"<b class='text-danger'>{failed} failed</b>" if failed else "all met"
        rows.append(
            f"<tr><td><a href='{quote(link)}'>{html.escape(name)}</a></td>"
            f"<td>{judged}</td><td>{state}</td></tr>"
        )
    (data_docs / "index.html").write_text(
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Data Docs</title>"
        f"<style>{style}</style></head><body><div class='container'><h1>Data Docs</h1>"
        "<p>What Great Expectations judged in the last audit. The reading of it is in the"
        " <a href='../audit/index.html'>audit report</a>.</p>"
        "<table><thead><tr><th>Suite</th><th>Expectations</th><th>Result</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div></body></html>",
        encoding="utf-8",
    )
