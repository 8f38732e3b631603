"""The tracking audit in Dagster: runs ``expectations/`` between the facts and the trusted marts.

The rules, their thresholds and texts live in ``expectations/``; here is only the wiring: the plan
becomes tables before dbt runs, the outcomes become findings and asset checks after it, and some of
them may stop publication.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from expectations.catalogue import Catalogue, load_catalogue
from expectations.plan import PLAN_TABLES, Plan, PlanError, export_tables, load_plan
from expectations.run import AUDIT_TABLES, IDENTITY_QUALITY, audit
from orchestration.home import Home, run_clock
from orchestration.lineage import project_lineage
from orchestration.run_lock import LOCK_RESOURCE, WAREHOUSE_POOL
from orchestration.transformation import load_manifest

FINDINGS = dg.AssetKey(["audit", "findings"])
ASSESSMENTS = dg.AssetKey(["audit", "assessments"])
GUARDS = dg.AssetKey(["audit", "guards"])
OUTCOMES_FILE = "audit_outcomes.json"

# Info findings are worth a look, never an alarm: Dagster's mildest severity is a warning.
_SEVERITIES = {
    "critical": dg.AssetCheckSeverity.ERROR,
    "warning": dg.AssetCheckSeverity.WARN,
    "info": dg.AssetCheckSeverity.WARN,
}


@dataclass(frozen=True)
class AuditDefinitions:
    """What the audit adds to the graph."""

    assets: list[dg.AssetsDefinition]
    checks: list[dg.AssetChecksDefinition]


def build_audit(home: Home) -> AuditDefinitions:
    """The plan's tables, the findings, and one asset check per check of the catalogue."""
    catalogue = load_catalogue()
    models = {
        node["name"]: dg.AssetKey([node["schema"], node["name"]])
        for node in load_manifest(home)["nodes"].values()
        if node["resource_type"] == "model"
    }
    judged = [models[table] for table in (*AUDIT_TABLES, IDENTITY_QUALITY)]
    return AuditDefinitions(
        assets=[_plan_assets(home), _findings_assets(home, catalogue, judged)],
        checks=[_asset_checks(home, catalogue)],
    )


def read_outcomes(home: Home) -> dict[str, Any]:
    """The last audit: ``run_id``, ``property_name``, ``score`` and a list of ``results``."""
    path = home.state / OUTCOMES_FILE
    return dict(json.loads(path.read_text())) if path.exists() else {"results": []}


def blocking_outcomes(home: Home) -> list[str]:
    """Why publication must wait, in words; empty where nothing blocks."""
    return [
        f"{result['check_id']}: {told_outcome(result)}."
        f" First step: {result['metadata']['first_step']}"
        for result in read_outcomes(home)["results"]
        if result["is_blocking"]
    ]


def told_outcome(result: Mapping[str, Any]) -> str:
    """What a check asks and where its gravest finding lies: its rule alone would read as fact."""
    return f"{result['metadata']['question']} {result['metadata']['worst']}"


def _valid_plan(home: Home) -> Plan:
    try:
        return load_plan(home.plan_file)
    except PlanError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def _plan_assets(home: Home) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="measurement_plan",
        specs=[
            dg.AssetSpec(["plan", table], description=f"The plan's {table.replace('_', ' ')}.")
            for table in PLAN_TABLES
        ],
        group_name="audit",
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def measurement_plan(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """The measurement plan as tables, for the audit's models."""
        plan = _valid_plan(home)
        for path in export_tables(plan, home.state / "plan"):
            yield dg.MaterializeResult(
                asset_key=["plan", path.stem],
                metadata={"plan_version": plan.version, "file": dg.MetadataValue.path(str(path))},
            )

    return measurement_plan


def _findings_assets(
    home: Home, catalogue: Catalogue, judged: list[dg.AssetKey]
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="tracking_audit",
        specs=[
            dg.AssetSpec(
                FINDINGS,
                deps=judged,
                description="Findings of the audit with their state, the report and Data Docs.",
                kinds={"greatexpectations"},
            ),
            dg.AssetSpec(
                ASSESSMENTS,
                deps=judged,
                description="Which checks could be assessed: not assessable is not passed.",
                kinds={"greatexpectations"},
            ),
            dg.AssetSpec(
                GUARDS,
                deps=judged,
                description="Which check guards which metric, by the columns that both use.",
            ),
        ],
        group_name="audit",
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def tracking_audit(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """Great Expectations over the audit's tables, by plan and catalogue."""
        started = time.monotonic()
        plan = _valid_plan(home)
        outcome = audit(
            home.warehouse,
            plan,
            catalogue,
            home.state,
            home.reports,
            run_clock(),
            project_lineage(home),
        )
        blocking = {
            finding.check_id
            for finding in outcome.findings
            if finding.is_open and finding.blocks_publication
        }
        results = [
            {**asdict(result), "is_blocking": result.check_id in blocking}
            for result in outcome.results
        ]
        path = home.state / OUTCOMES_FILE
        temporary = path.with_suffix(".tmp")
        temporary.write_text(
            json.dumps(
                {
                    "run_id": context.run_id,
                    "property_name": plan.data["property"].get("name"),
                    "score": asdict(outcome.score),
                    "results": results,
                }
            )
        )
        temporary.replace(path)
        assessable = [result for result in outcome.results if result.assessable]
        yield dg.MaterializeResult(
            asset_key=FINDINGS,
            metadata={
                "dagster/row_count": len(outcome.findings),
                "checks_failed": sum(not result.passed for result in assessable),
                "score": outcome.score.points,
                "grade": outcome.score.grade,
                "seconds": round(time.monotonic() - started, 2),
                "report": dg.MetadataValue.path(str(outcome.report)),
                "data_docs": dg.MetadataValue.path(str(outcome.data_docs)),
            },
        )
        yield dg.MaterializeResult(
            asset_key=ASSESSMENTS,
            metadata={
                "dagster/row_count": len(results),
                "not_assessable": len(results) - len(assessable),
            },
        )
        yield dg.MaterializeResult(asset_key=GUARDS)

    return tracking_audit


def _asset_checks(home: Home, catalogue: Catalogue) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name="tracking_checks",
        specs=[
            dg.AssetCheckSpec(
                check.id,
                asset=list(check.asset_key),
                description=f"{check.question.en} {check.rule}",
                additional_deps=[FINDINGS],
                metadata={"family": check.family, "severity": check.severity},
            )
            for check in catalogue.checks
        ],
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def tracking_checks(
        context: dg.AssetCheckExecutionContext,
    ) -> Iterator[dg.AssetCheckResult]:
        """The audit's outcomes beside the tables that they judge."""
        outcomes = {result["check_id"]: result for result in read_outcomes(home)["results"]}
        for check in catalogue.checks:
            result = outcomes[check.id]
            yield dg.AssetCheckResult(
                check_name=check.id,
                asset_key=list(check.asset_key),
                # Not assessable is not passed; it warns, so that nobody takes it for a defect.
                passed=result["passed"] and result["assessable"],
                severity=(
                    _SEVERITIES[result["severity"]]
                    if result["assessable"]
                    else dg.AssetCheckSeverity.WARN
                ),
                description=result["description"],
                metadata=result["metadata"],
            )

    return tracking_checks
