"""Every check of the catalogue finds its planted defect and is silent in a healthy month."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from expectations.catalogue import Catalogue, load_catalogue
from expectations.plan import Plan
from expectations.run import audit
from tests.unit.expectations.conftest import NOW, Audited
from tests.unit.expectations.defects import PLANTS

CHECKS = [check.id for check in load_catalogue().checks]

# How many checks the design gives each family; they are numbered from 01.
_DESIGNED = {
    "STR": 2, "COL": 9, "SES": 9, "SCH": 12, "GOL": 10, "ATT": 8,
    "PRI": 5, "VOL": 7, "REC": 9, "SUR": 9, "CRM": 8,
}  # fmt: skip
# Beside the design: the records of tools that no vendor module reads, which no check saw.
_BESIDE_THE_DESIGN = {f"OTH{n:02d}" for n in range(1, 9)}
# And the units of numbers, which the plan names.
_BESIDE_THE_DESIGN |= {"SCH13"}


def test_the_catalogue_is_the_designed_one() -> None:
    designed = {f"{name}{n:02d}" for name, most in _DESIGNED.items() for n in range(1, most + 1)}
    assert designed | _BESIDE_THE_DESIGN == set(CHECKS)


def test_every_check_has_a_planted_defect() -> None:
    assert sorted(PLANTS) == sorted(CHECKS)


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_planted_defect_is_found(check_id: str, audited: Callable[[str], Audited]) -> None:
    found = {finding.check_id for finding in audited("ill").outcome.findings}
    assert check_id in found


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_healthy_month_gives_no_finding(check_id: str, audited: Callable[[str], Audited]) -> None:
    outcome = audited("healthy").outcome
    places = [f.scope for f in outcome.findings if f.check_id == check_id]
    assert not places
    result = next(r for r in outcome.results if r.check_id == check_id)
    assert result.passed or not result.assessable


def test_a_healthy_month_can_be_assessed_by_nearly_every_check(
    audited: Callable[[str], Audited],
) -> None:
    results = audited("healthy").outcome.results
    blind = {result.check_id for result in results if not result.assessable}
    # What a healthy month has none of: refunds, click ids, a hundred known users, a day again.
    assert blind <= {"GOL09", "ATT02", "SES07", "VOL04"}


def test_only_an_unreadable_required_source_blocks_publication(
    audited: Callable[[str], Audited], catalogue: Catalogue
) -> None:
    assert audited("ill").outcome.blocked
    assert not audited("healthy").outcome.blocked
    assert [check.id for check in catalogue.checks if check.blocks_publication] == ["STR01"]


@pytest.mark.parametrize(
    ("gate", "blocking"),
    [
        ({}, set()),
        ({"blocking_checks": ["COL05"]}, {"COL05"}),
        ({"blocking_severities": ["info"]}, {"SES03"}),
    ],
)
def test_the_plan_says_what_else_blocks_publication(
    gate: dict[str, list[str]],
    blocking: set[str],
    audited: Callable[[str], Audited],
    plan: Plan,
    catalogue: Catalogue,
) -> None:
    told = replace(plan, data={**plan.data, "publication": gate})
    infos = {check.id for check in catalogue.checks if check.severity == "info"}
    found = {f.check_id: f for f in audited("ill").outcome.findings}
    blocked = {check for check, f in found.items() if told.blocks(check, f.severity)}
    assert blocking <= blocked <= blocking | infos


def test_the_plan_sets_a_threshold_of_its_own(
    audited: Callable[[str], Audited], plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    own = {"COL04": {"max_share": 1.0}, "COL05": {"min_examined": 1}}
    lenient = replace(plan, data={**plan.data, "thresholds": own})
    outcome = audit(audited("ill").warehouse, lenient, catalogue, tmp_path, tmp_path, NOW)
    before, after = (
        {finding.check_id for finding in each.findings}
        for each in (audited("ill").outcome, outcome)
    )
    assert before - after == {"COL04"}
    assert after <= before
    assert "<code>min_examined</code> 1" in outcome.report.read_text()


def test_a_check_that_failed_says_where_how_much_and_what_to_do_first(
    audited: Callable[[str], Audited], catalogue: Catalogue
) -> None:
    outcome = audited("ill").outcome
    for result in outcome.results:
        worst = next(
            (f for f in outcome.findings if f.check_id == result.check_id and f.is_open), None
        )
        assert ("worst" in result.metadata) is (worst is not None)
        if worst is not None:
            assert result.metadata["worst"].startswith(worst.source)
            assert result.metadata["first_step"] == catalogue.by_id[result.check_id].fix.en[0]
    unread = next(r for r in outcome.results if r.check_id == "STR01").metadata["worst"]
    assert unread.startswith("shopify")
    told = [r.metadata["worst"] for r in outcome.results if "worst" in r.metadata]
    assert any(re.search(r": \d+ of \d+ since 2026-\d\d-\d\d$", each) for each in told)


def test_a_step_is_located_to_the_hour(audited: Callable[[str], Audited]) -> None:
    findings = audited("ill").outcome.findings
    host = next(f for f in findings if f.check_id == "COL05" and f.detail == "staging.example")
    assert host.first_failed_at is not None
    assert host.last_failed_at is not None
    assert host.first_failed_date == host.last_failed_date == host.first_failed_at.date()
    assert host.rows_failing == 12


def test_the_report_is_whole_and_readable_offline_in_both_languages(
    audited: Callable[[str], Audited], catalogue: Catalogue
) -> None:
    outcome = audited("ill").outcome
    page = outcome.report.read_text(encoding="utf-8")
    for check in catalogue.checks:
        assert f'id="{check.id}"' in page
    assert "Five things to fix first" in page
    assert "Viisi ensin korjattavaa asiaa" in page
    assert not re.findall(r"""(?:src|href)=["']https?://""", page)
    docs = list(outcome.data_docs.parent.rglob("*.html"))
    assert len(docs) > 10
    for path in docs:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["']https?://""", text)


def test_not_assessable_is_not_passed(audited: Callable[[str], Audited]) -> None:
    for result in audited("healthy").outcome.results:
        assert not (result.passed and not result.assessable)


def test_samples_are_keyed_and_capped(audited: Callable[[str], Audited]) -> None:
    import duckdb

    with duckdb.connect(str(audited("ill").warehouse), read_only=True) as connection:
        most = connection.execute(
            "select max(n) from (select count(*) as n from int_audit_violations"
            " group by check_id, source, platform, subject, detail, event_date, model_name)"
        ).fetchone()
    assert most is not None
    assert most[0] == 20
