"""Who would merge, move or split under other identity rules, before anybody applies them.

The warehouse's own identity models are built a second time, by dbt, in a database of their own over
the identity records as they stand; the warehouse is only read. What comes out is compared with the
customers of the last run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from expectations.memory import workplace
from orchestration.dbt_build import adopt_parsed, invoke
from orchestration.errors import TransformationError, WarehouseError
from orchestration.home import PROJECT_ROOT, Home, settings_of
from orchestration.transformation import project_fingerprint_of

RULE_TABLES = ("identity_rules", "blocked_identifiers")

_FOLDER = "intermediate/identity"
# What the customers are made from stays as it is: rules change what is made of it.
_COLLECTED = "int_identity_records_collected"

Kind = Literal["merge", "split", "rearranged", "new", "gone"]


@dataclass(frozen=True)
class CustomerChange:
    """Customers of now that would share identifiers with customers to come, and differ.

    Attributes:
        kind: ``merge`` of several into one, ``split`` of one into several, ``rearranged`` where
            several become several others; ``new`` and ``gone`` where a blocked value changes.
        before, after: The customer ids; an id that stays stands on both sides.
        identifiers: Number of identifiers by type. Values are not told: they may be personal.
        records: Records that carry one of these identifiers.
    """

    kind: Kind
    before: tuple[str, ...]
    after: tuple[str, ...]
    identifiers: Mapping[str, int]
    records: int


@dataclass(frozen=True)
class IdentityDiff:
    """What a change of the rules would do."""

    customers_before: int
    customers_after: int
    identifiers_blocked: int
    identifiers_unblocked: int
    changes: tuple[CustomerChange, ...]

    def count(self, kind: Kind) -> int:
        """Number of changes of one kind."""
        return sum(change.kind == kind for change in self.changes)


def identity_diff(
    home: Home, manifest: Mapping[str, Any], rules: Mapping[str, Path]
) -> IdentityDiff:
    """Build the identity models under other rules and compare the customers.

    Args:
        home: The home whose last run is compared with; nobody may hold its warehouse open.
        manifest: dbt's manifest, which says what the identity models read.
        rules: A CSV file for each of `RULE_TABLES`, in the form of ``seeds/reference``.

    Raises:
        WarehouseError: A rules file cannot be read or has other columns.
        TransformationError: dbt cannot build the models under these rules.
    """
    with tempfile.TemporaryDirectory(prefix="cxw_identity_") as folder:
        trial = Home(Path(folder))
        trial.state.mkdir(parents=True)
        with _both(home, trial) as connection:
            _copy_inputs(connection, manifest, rules)
        _build(home, trial)
        with _both(home, trial) as connection:
            return compared(connection)


@contextmanager
def _both(home: Home, trial: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, by the name that its views expect, and the trial's database beside it."""
    with workplace(home.root) as connection:
        connection.execute(f"attach '{_quoted(home.warehouse)}' as warehouse (read_only)")
        connection.execute(f"attach '{_quoted(trial.warehouse)}' as trial")
        yield connection


def _copy_inputs(
    connection: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    rules: Mapping[str, Path],
) -> None:
    built = _identity_models(manifest)
    read = {parent for node in built for parent in manifest["parent_map"][node]} - built
    for node in sorted(read):
        schema, name = manifest["nodes"][node]["schema"], manifest["nodes"][node]["alias"]
        connection.execute(f"create schema if not exists trial.{schema}")
        if name not in RULE_TABLES:
            connection.execute(
                f"create table trial.{schema}.{name} as from warehouse.{schema}.{name}"
            )
            continue
        connection.execute(
            f"create table trial.{schema}.{name} as from warehouse.{schema}.{name} limit 0"
        )
        try:
            connection.execute(
                f"insert into trial.{schema}.{name} by name"
                f" from read_csv('{_quoted(rules[name])}', header = true, all_varchar = true)"
            )
        except duckdb.Error as error:
            raise WarehouseError(
                f"{rules[name]} cannot be used as {name}: {str(error).splitlines()[0]}",
                f"Keep the columns of {PROJECT_ROOT / 'seeds' / 'reference' / name}.csv.",
            ) from error


def _identity_models(manifest: Mapping[str, Any]) -> set[str]:
    return {
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and _FOLDER in node["original_file_path"]
        and node["name"] != _COLLECTED
    }


def _build(home: Home, trial: Home) -> None:
    adopt_parsed(home.dbt_target, trial.dbt_target)
    with settings_of(trial.environment()):
        result = invoke(
            trial.dbt_target,
            project_fingerprint_of(),
            *("run", "--select", f"path:models/{_FOLDER}", "--exclude", _COLLECTED),
        )
    if result.success:
        return
    failed = [
        f"{row.node.name}: {row.message}"
        for row in getattr(result.result, "results", [])
        if str(row.status) == "error"
    ]
    raise TransformationError(
        "The identity models cannot be built under these rules: "
        + ("; ".join(failed) or str(result.exception)),
        "Correct the rules and try again; nothing was changed.",
    )


_RESOLVED = "intermediate.int_identifiers_resolved"

# Customers that share an identifier, directly or over others, on either side are one change. A
# number that has a next owner on one side only is one number on the other.
_CHANGES = f"""
with recursive

pairs as materialized (
    select
        coalesce(now.customer_id, former.customer_id) as before_id,
        coalesce(later.customer_id, following.customer_id) as after_id,
        coalesce(now.identifier_type, later.identifier_type) as identifier_type,
        coalesce(now.record_count, later.record_count) as record_count
    from warehouse.{_RESOLVED} as now
    full join trial.{_RESOLVED} as later using (identifier_key)
    left join warehouse.{_RESOLVED} as former
        on now.identifier_key is null
        and later.identifier_type = 'phone_hash'
        and former.identifier_type = 'phone_hash'
        and split_part(later.identifier_value, '@', 1) = former.identifier_value
    left join trial.{_RESOLVED} as following
        on later.identifier_key is null
        and now.identifier_type = 'phone_hash'
        and following.identifier_type = 'phone_hash'
        and split_part(now.identifier_value, '@', 1) = following.identifier_value
),

nodes as (
    select 'b' || before_id as node, 'a' || after_id as other from pairs
    where before_id is not null and after_id is not null
    group by all
),

both_ways as materialized (
    from nodes
    union all
    select other, node from nodes
),

reached (node, component) using key (node) as (
    select node, min(least(node, other)) from both_ways group by node
    union
    select both_ways.other, min(reached.component)
    from reached
    inner join both_ways on reached.node = both_ways.node
    inner join recurring.reached as known on both_ways.other = known.node
    where reached.component < known.component
    group by both_ways.other
),

placed as (
    select
        pairs.*,
        coalesce(
            reached_before.component,
            reached_after.component,
            'b' || pairs.before_id,
            'a' || pairs.after_id
        ) as component
    from pairs
    left join reached as reached_before on reached_before.node = 'b' || pairs.before_id
    left join reached as reached_after on reached_after.node = 'a' || pairs.after_id
),

typed as (
    select
        component,
        identifier_type,
        count(*) as identifier_count
    from placed
    group by all
),

summed as (
    select
        component,
        list(distinct before_id order by before_id) filter (before_id is not null) as before_ids,
        list(distinct after_id order by after_id) filter (after_id is not null) as after_ids,
        sum(record_count)::bigint as records
    from placed
    group by component
)

select
    coalesce(before_ids, []) as before_ids,
    coalesce(after_ids, []) as after_ids,
    (
        select map_from_entries(
            list((typed.identifier_type, typed.identifier_count) order by identifier_type)
        )
        from typed where typed.component = summed.component
    ) as identifiers,
    records
from summed
where coalesce(len(before_ids), 0) <> 1 or coalesce(len(after_ids), 0) <> 1
order by records desc, component
"""


def compared(connection: duckdb.DuckDBPyConnection) -> IdentityDiff:
    """Compare the customers of two databases that are attached as ``warehouse`` and ``trial``."""

    def number(sql: str) -> int:
        row = connection.execute(sql).fetchone()
        return int(row[0]) if row else 0

    observed = "intermediate.int_identifiers_observed"
    newly = f"""
        select count(*) from warehouse.{observed} as now
        inner join trial.{observed} as later using (identifier_key)
        where later.is_blocked = $blocked and now.is_blocked <> $blocked
    """
    return IdentityDiff(
        customers_before=number(f"select count(distinct customer_id) from warehouse.{_RESOLVED}"),
        customers_after=number(f"select count(distinct customer_id) from trial.{_RESOLVED}"),
        identifiers_blocked=number(newly.replace("$blocked", "true")),
        identifiers_unblocked=number(newly.replace("$blocked", "false")),
        changes=tuple(
            CustomerChange(_kind(before, after), tuple(before), tuple(after), identifiers, records)
            for before, after, identifiers, records in connection.execute(_CHANGES).fetchall()
        ),
    )


def _kind(before: list[str], after: list[str]) -> Kind:
    if not before:
        return "new"
    if not after:
        return "gone"
    if len(after) == 1:
        return "merge"
    return "split" if len(before) == 1 else "rearranged"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
