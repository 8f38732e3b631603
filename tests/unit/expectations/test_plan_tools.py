"""Plans are drafted from what was observed, compared with it, exported, and exceptions recorded."""

from __future__ import annotations

import csv
import datetime as dt
import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.plan import Plan, load_plan, plan_fingerprint
from expectations.plan_diff import Difference, coverage, differences
from expectations.plan_draft import draft, empty_plan, with_acceptance
from expectations.plan_export import export_plan
from expectations.profile import NothingObserved, observe, observe_surroundings

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 28)
TODAY = dt.date(2026, 11, 1)

PLAN = """\
# Ours, with a comment that nobody may lose.
plan_version: "3"
valid_from: 2026-01-01
property:
  id: shop
  timezone: Europe/Helsinki
  currency: EUR
  streams: [{id: "1", platform: web}, {id: "2", platform: app}]
  hosts: [shop.example]
common_params:
  - {name: page_location, scope: event, type: string, requirement: optional}
events:
  - name: view_item  # seen on product pages
    status: live
    owner: anna
    business_question: "Which products interest whom?"
    trigger: Product page shown
    platforms: [web]
    journey_stage: consideration
    introduced: 2026-01-01
    params: &item_params
      - {name: item, scope: event, type: string, requirement: required}
      - {name: price, scope: event, type: double, requirement: optional, min: 0}
  - name: add_to_cart
    status: live
    owner: anna
    business_question: What is wanted?
    trigger: Click
    platforms: [web]
    journey_stage: purchase
    introduced: 2026-01-01
    params: *item_params
  - name: purchase
    status: live
    owner: bertil
    business_question: What is bought?
    trigger: Receipt page
    platforms: [web]
    journey_stage: purchase
    introduced: 2026-01-01
    params:
      - {name: method, scope: event, type: string, requirement: required, allowed_values: [card, invoice]}
      - {name: value, scope: event, type: double, requirement: required}
  - name: old_video
    status: live
    owner: bertil
    business_question: Is it watched?
    trigger: Player starts
    platforms: [web]
    journey_stage: use
    introduced: 2026-01-01
goals:
  - {id: sale, kind: macro, event: purchase, value_param: value}
personas:
  - {id: saver, goal: Save, data_points: [view_item, old_video], goals: [sale]}
"""  # noqa: E501

Event = tuple[str, str, dt.date, dict[str, tuple[str, str]]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "measurement_plan.yml"
    path.write_text(PLAN)
    return load_plan(path)


def columns_of(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[i] for row in rows] for i in range(width)]


@pytest.fixture
def warehouse(tmp_path: Path) -> Callable[[list[Event]], Path]:
    """Build a warehouse of the two tables that are profiled."""

    def build(events: list[Event]) -> Path:
        path = tmp_path / "warehouse.duckdb"
        rows = [
            (str(number), name, platform, {"web": "1", "app": "2"}[platform], day)
            for number, (name, platform, day, _) in enumerate(events)
        ]
        params = [
            (str(number), name, platform, day, key, kind, text, "redacted" in text)
            for number, (name, platform, day, values) in enumerate(events)
            for key, (kind, text) in values.items()
        ]
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema intermediate")
            connection.execute(
                "create table intermediate.int_web_events_landed (web_event_key varchar, "
                "event_name varchar, platform varchar, stream_id varchar, event_date date, "
                "is_duplicate boolean default false, is_superseded boolean default false, "
                "item_count bigint default 0, page_host varchar default 'shop.example', "
                "currency varchar default 'EUR')"
            )
            connection.execute(
                "create table intermediate.int_web_event_params_unioned (web_event_key varchar, "
                "event_name varchar, platform varchar, event_date date, param_key varchar, "
                "value_type varchar, value_text varchar, has_personal_data boolean, "
                "value_length bigint)"
            )
            connection.execute(
                "create table intermediate.int_web_user_properties_unioned (event_date date, "
                "platform varchar, stream_id varchar, user_id varchar, property_key varchar, "
                "value_text varchar, has_personal_data boolean, event_count bigint)"
            )
            # As columns: to insert row by row takes DuckDB seconds.
            connection.execute(
                "insert into intermediate.int_web_events_landed (web_event_key, event_name, "
                "platform, stream_id, event_date) "
                "select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
                columns_of(rows, 5),
            )
            connection.execute(
                "insert into intermediate.int_web_event_params_unioned "
                "select *, length(value_text) from (select unnest(?), unnest(?), unnest(?), "
                "unnest(?)::date, unnest(?), unnest(?), unnest(?) as value_text, unnest(?))",
                columns_of(params, 8),
            )
        return path

    return build


def days(first: int = 1, last: int = 28) -> list[dt.date]:
    return [dt.date(2026, 10, day) for day in range(first, last + 1)]


def healthy() -> list[Event]:
    """Four weeks in which everything comes as it was planned."""
    events: list[Event] = []
    for day in days():
        for number in range(10):
            item = {"item": ("string", f"i{number}-{day}"), "price": ("double", "9.5")}
            method = ("string", "card" if number % 2 else "invoice")
            events += [
                ("view_item", "web", day, item),
                ("add_to_cart", "web", day, item),
                ("purchase", "web", day, {"method": method, "value": ("double", "19.0")}),
                ("old_video", "web", day, {}),
            ]
    return events


def told(found: list[Difference]) -> list[tuple[str, str, int]]:
    return [(each.kind, each.entity, each.count) for each in found]


def test_nothing_differs_where_everything_comes_as_planned(
    plan: Plan, warehouse: Callable[[list[Event]], Path]
) -> None:
    profile = observe(warehouse(healthy()), plan)
    assert (profile.first_date, profile.last_date) == (FIRST, LAST)
    assert differences(plan, profile) == []
    covered = coverage(plan, profile)
    assert covered.data_points.share == 1
    assert covered.volume_share == 1
    assert [each.share for each in (*covered.personas, *covered.goals)] == [1, 1]


def test_each_kind_of_difference_is_named_with_its_counts(
    plan: Plan, warehouse: Callable[[list[Event]], Path]
) -> None:
    events: list[Event] = []
    for name, platform, day, values in healthy():
        if name == "old_video" and day > dt.date(2026, 10, 12):
            name = "video_play"  # renamed, under another spelling altogether
        if name == "purchase" and day.day == 20:
            values = {"method": ("string", "bitcoin"), "value": ("string", "19,0")}
        if name == "view_item" and day.day in (3, 4):
            values = {"price": ("double", "-1")}
        events.append((name, platform, day, values))
    events += [("AddToCart", "web", day, {}) for day in days(1, 5)]
    events += [("wish_list", "web", day, {}) for day in days(26, 28)]
    events += [("purchase", "app", day, {}) for day in days(1, 5)]
    found = differences(plan, observe(warehouse(events), plan))
    assert told(found) == [
        ("dead", "old_video", 120),
        ("renamed (likely)", "old_video", 160),
        ("required missing", "view_item.item", 20),
        ("type mismatch", "purchase.value", 10),
        ("value mismatch", "view_item.price", 20),
        ("value mismatch", "purchase.method", 10),
        ("unplanned", "video_play", 160),
        ("unplanned", "AddToCart", 5),
        ("unplanned", "purchase", 5),
        ("newly seen", "wish_list", 3),
    ]
    hints = {(each.kind, each.entity): each.hint for each in found}
    assert hints["unplanned", "AddToCart"] == "another spelling of add_to_cart"
    assert hints["unplanned", "purchase"] == "planned for web only"
    assert hints["renamed (likely)", "old_video"] == "video_play began when old_video ended"
    method = next(each for each in found if each.entity == "purchase.method")
    assert (method.observed, method.share) == ("'bitcoin' 10", 10 / 280)


def test_a_planned_event_that_never_came_is_missing_and_no_data_point_is_covered(
    plan: Plan, warehouse: Callable[[list[Event]], Path]
) -> None:
    profile = observe(warehouse([e for e in healthy() if e[0] != "purchase"]), plan)
    assert told(differences(plan, profile)) == [("missing", "purchase", 0)]
    covered = coverage(plan, profile)
    assert covered.data_points.missing == (
        "purchase (web)",
        "purchase.method (web)",
        "purchase.value (web)",
    )
    assert (covered.goals[0].observed, covered.goals[0].planned) == (0, 2)
    assert covered.personas[0].missing == ("purchase", "purchase.value")


def test_numbers_of_another_unit_and_amounts_of_another_currency_are_named(
    tmp_path: Path, warehouse: Callable[[list[Event]], Path]
) -> None:
    path = tmp_path / "plan.yml"
    text = PLAN
    for before, after in (
        ("type: double, requirement: optional, min: 0", "type: double, unit: seconds,"
         " requirement: optional"),
        ("{name: value, scope: event,", "{name: value, unit: EUR, scope: event,"),
        ("    params: *item_params", "    params: *item_params\n    key_touchpoint: cart"),
    ):  # fmt: skip
        text = text.replace(before, after)
    path.write_text(text)
    events: list[Event] = []
    for name, platform, day, values in healthy():
        if name == "view_item":
            values = values | {"price": ("double", f"{20_000 + day.day}")}
        if name == "purchase":
            values = values | {"currency": ("string", "SEK" if day.day == 3 else "EUR")}
        events.append((name, platform, day, values))
    plan = load_plan(path)
    profile = observe(warehouse(events), plan)
    found = [d for d in differences(plan, profile) if d.kind == "unit mismatch"]
    assert [(d.entity, d.planned, d.observed, d.count, d.hint.split(":")[0]) for d in found] == [
        ("view_item.price", "seconds", "typically 2e+04", 280, "looks like milliseconds"),
        ("purchase.value", "EUR", "SEK 10", 10,
         "convert amounts before they are sent, or leave the unit out"),
    ]  # fmt: skip
    covered = coverage(plan, profile)
    assert covered.touchpoint_share == 1
    (cart,) = covered.touchpoints
    assert (cart.name, cart.planned, cart.observed) == ("cart", 1, 1)
    without = replace(
        profile, events={k: v for k, v in profile.events.items() if k[0] != "add_to_cart"}
    )
    assert coverage(plan, without).touchpoint_share == 0


def test_a_rare_event_is_not_dead_because_a_week_had_none(
    plan: Plan, warehouse: Callable[[list[Event]], Path]
) -> None:
    events = [e for e in healthy() if e[0] != "old_video"]
    events.append(("old_video", "web", dt.date(2026, 10, 2), {}))
    assert differences(plan, observe(warehouse(events), plan)) == []


def test_a_draft_adds_what_is_unplanned_and_leaves_every_line_of_the_plan(
    plan: Plan, warehouse: Callable[[list[Event]], Path], tmp_path: Path
) -> None:
    events = healthy()
    events += [
        ("wish", "web", day, {"sure": ("string", answer), "rank": ("int", str(n))})
        for day in days()
        for n, answer in enumerate(("yes", "no") * 3)
    ]
    events += [("view_item", "app", day, {"item": ("string", "i")}) for day in days()]
    events += [("add_to_cart", "web", day, {"size": ("string", "M")}) for day in days()]
    profile = observe(warehouse(events), plan)
    text = draft(PLAN, plan, profile, "add", TODAY)
    lost = [line for line in PLAN.splitlines() if line not in text.splitlines()]
    # Only what had to change: the two events no longer share their parameters.
    assert [line.strip() for line in lost] == ["params: &item_params", "params: *item_params"]
    drafted = tmp_path / "draft.yml"
    drafted.write_text(text)
    proposal = load_plan(drafted)
    events_by_name = {event["name"]: event for event in proposal.events}
    wish = events_by_name["wish"]
    assert wish["status"] == "draft"
    params = {param["name"]: param for param in wish["params"]}
    assert params["sure"]["allowed_values"] == ["no", "yes"]
    assert params["rank"] == {
        "name": "rank",
        "scope": "event",
        "type": "int",
        "requirement": "required",
    }
    assert events_by_name["view_item"]["platforms"] == ["web", "app"]
    assert [p["name"] for p in events_by_name["add_to_cart"]["params"]] == ["item", "price", "size"]
    assert [p["name"] for p in events_by_name["view_item"]["params"]] == ["item", "price"]
    again = observe(tmp_path / "warehouse.duckdb", proposal)
    assert {each.kind for each in differences(proposal, again)} <= {"required missing"}


def test_a_draft_updates_and_removes_only_when_asked(
    plan: Plan, warehouse: Callable[[list[Event]], Path], tmp_path: Path
) -> None:
    events: list[Event] = []
    for name, platform, day, values in healthy():
        if name == "view_item":
            values = {"item": ("string", "i"), "price": ("int", "9")}
        if name == "purchase":
            values = {**values, "method": ("string", "mobile" if day.day % 2 else "card")}
        if name != "old_video":
            events.append((name, platform, day, values))
    profile = observe(warehouse(events), plan)
    assert draft(PLAN, plan, profile, "add", TODAY) == PLAN

    def proposal(mode: str) -> Plan:
        path = tmp_path / f"{mode}.yml"
        path.write_text(draft(PLAN, plan, profile, mode, TODAY))  # type: ignore[arg-type]
        return load_plan(path)

    updated = {event["name"]: event for event in proposal("update").events}
    method = updated["purchase"]["params"][0]
    assert method["allowed_values"] == ["card", "invoice", "mobile"]
    assert "wanted?" in method["description"]
    # An int is a right double; what people wrote stays.
    assert updated["view_item"]["params"][1]["type"] == "double"
    assert updated["view_item"]["owner"] == "anna"
    assert "old_video" in updated
    # A persona refers to the event that never came: it stays whatever is asked for.
    assert "old_video" in {event["name"] for event in proposal("remove").events}
    unreferred = PLAN.replace("[view_item, old_video]", "[view_item]")
    (tmp_path / "measurement_plan.yml").write_text(unreferred)
    free = load_plan(tmp_path / "measurement_plan.yml")
    assert "old_video" not in draft(unreferred, free, profile, "remove", TODAY)


def test_a_plan_can_begin_with_nothing_but_data(
    warehouse: Callable[[list[Event]], Path], tmp_path: Path
) -> None:
    path = warehouse([*healthy(), ("View_Item", "web", LAST, {})])
    surroundings = observe_surroundings(path)
    assert (surroundings.streams, surroundings.hosts) == ([("1", "web")], ["shop.example"])
    text = empty_plan(surroundings, "Europe/Helsinki", FIRST)
    start = tmp_path / "start.yml"
    start.write_text(text.replace("events: []", "events:\n" + PLAN.split("events:\n")[1]))
    empty = Plan(data={**load_plan(start).data, "events": []}, path=start)
    drafted = tmp_path / "new.yml"
    drafted.write_text(draft(text, empty, observe(path, empty), "add", TODAY))
    names = [event["name"] for event in load_plan(drafted).events]
    # Of two spellings the frequent one.
    assert names == ["add_to_cart", "old_video", "purchase", "view_item"]


def test_values_that_held_personal_data_are_never_listed(
    plan: Plan, warehouse: Callable[[list[Event]], Path]
) -> None:
    events = healthy()
    for number, day in enumerate(days()):
        text = "redacted:email" if number == 3 else "040 123 4567" if number % 2 else "words"
        events.append(("search", "web", day, {"q": ("string", text), "n": ("string", "a")}))
    profile = observe(warehouse(events), plan)
    searched = profile.events["search", "web"].params
    assert searched["q"].personal_count == 14
    assert searched["q"].values == ()
    assert [value.text for value in searched["n"].values] == ["a"]
    text = draft(PLAN, plan, profile, "add", TODAY)
    assert "personal_data: true" in text
    assert "4567" not in text


def test_what_came_into_a_data_point_by_mistake_is_not_declared_to_be_personal(
    plan: Plan, warehouse: Callable[[list[Event]], Path]
) -> None:
    events = healthy()
    for number, day in enumerate(days()):
        page = "redacted:email" if number == 3 else "/page"
        click = f"Cj0Kx0401234567y{number}"
        events.append(
            ("search", "web", day, {"page": ("string", page), "gclid": ("string", click)})
        )
    profile = observe(warehouse(events), plan)
    searched = profile.events["search", "web"].params
    assert searched["page"].personal_count == 1
    assert searched["page"].values == ()
    assert searched["gclid"].personal_count == 0
    text = draft(PLAN, plan, profile, "add", TODAY)
    assert "personal_data" not in text
    assert "3.57% of the values held personal data: keep it out of them" in text


def _tell_of_users(path: Path, value_of: Callable[[int, int], str | None]) -> None:
    """Add ten logged-in users a day, each with the user property that the function gives."""
    rows = [
        (day, "web", "1", f"u{user}", "tier" if value else None, value)
        for position, day in enumerate(days())
        for user in range(10)
        for value in [value_of(position, user)]
    ]
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into intermediate.int_web_user_properties_unioned select unnest(?), unnest(?),"
            " unnest(?), unnest(?), unnest(?), unnest(?), false, 3",
            columns_of(rows, 6),
        )


_TIERS = ("gold", "none", "silver")


def test_user_properties_are_drafted_from_what_comes_of_logged_in_users(
    plan: Plan, warehouse: Callable[[list[Event]], Path], tmp_path: Path
) -> None:
    path = warehouse(healthy())
    _tell_of_users(path, lambda day, user: _TIERS[user % 3])
    profile = observe(path, plan)
    assert ("unplanned", "user property tier", 28 * 10 * 3) in told(differences(plan, profile))
    drafted = tmp_path / "drafted.yml"
    drafted.write_text(draft(PLAN, plan, profile, "add", TODAY))
    proposal = load_plan(drafted)
    assert proposal.rows("user_properties") == [
        {"name": "tier", "requirement": "required", "allowed_values": ["gold", "none", "silver"]}
    ]
    assert differences(proposal, observe(path, proposal)) == []


def test_a_user_property_that_is_gone_or_has_other_values_differs(
    plan: Plan, warehouse: Callable[[list[Event]], Path], tmp_path: Path
) -> None:
    planned = tmp_path / "with_tier.yml"
    planned.write_text(
        PLAN
        + "user_properties:\n"
        + "  - {name: tier, requirement: required, allowed_values: [gold, none, silver]}\n"
    )
    path = warehouse(healthy())
    # gone on the last seven days; a value that nobody planned before
    _tell_of_users(
        path, lambda day, user: None if day >= 21 else "diamond" if user == 9 else "gold"
    )
    with_tier = load_plan(planned)
    assert sorted(told(differences(with_tier, observe(path, with_tier)))) == [
        ("required missing", "user property tier", 70),
        ("value mismatch", "user property tier", 21 * 3),
    ]
    updated = draft(planned.read_text(), with_tier, observe(path, with_tier), "update", TODAY)
    assert "requirement: optional" in updated.split("user_properties:")[1]
    assert "diamond" in updated


def test_an_empty_window_says_which_days_there_are(
    plan: Plan, warehouse: Callable[[list[Event]], Path]
) -> None:
    with pytest.raises(NothingObserved, match=r"from 2026-10-01 to 2026-10-28\."):
        observe(warehouse(healthy()), plan, dt.date(2025, 1, 1), dt.date(2025, 2, 1))


def test_an_accepted_exception_is_a_line_of_the_plan_and_no_reason_to_build_anew(
    plan: Plan, tmp_path: Path
) -> None:
    before = plan_fingerprint(plan.path)
    once = with_acceptance(PLAN, "COL06", dt.date(2026, 12, 31), "Tests: until launch", "web")
    assert once.startswith(PLAN)
    twice = with_acceptance(once, "COL06", dt.date(2027, 1, 31), "Later", "web")
    both = with_acceptance(twice, "COL06", dt.date(2027, 1, 31), "Everywhere", None)
    plan.path.write_text(both)
    assert load_plan(plan.path).rows("accepted") == [
        {"check": "COL06", "until": "2027-01-31", "why": "Later", "scope": "web"},
        {"check": "COL06", "until": "2027-01-31", "why": "Everywhere"},
    ]
    assert plan_fingerprint(plan.path) == before
    plan.path.write_text(PLAN.replace("requirement: required}", "requirement: optional}"))
    assert plan_fingerprint(plan.path) != before
    plan.path.write_text("events: none")
    assert plan_fingerprint(plan.path) != before


def test_an_export_has_every_event_and_no_cell_that_a_spreadsheet_would_compute(
    plan: Plan, tmp_path: Path
) -> None:
    plan.path.write_text(PLAN.replace("owner: bertil", 'owner: "=HYPERLINK(1)"'))
    out = tmp_path / "out"
    out.mkdir()
    (out / "accepted.csv").write_text("of an older plan")
    written = export_plan(load_plan(plan.path), out)
    page = (out / "plan.html").read_text()
    assert all(f'id="event-{event["name"]}"' in page for event in plan.events)
    assert "Which products interest whom?" in page
    assert not (out / "accepted.csv").exists()
    assert {path.name for path in written} == {path.name for path in out.iterdir()}
    with (out / "params.csv").open(encoding="utf-8-sig", newline="") as file:
        params = list(csv.DictReader(file))
    assert len(params) == 6
    assert params[4]["allowed_values"] == "card; invoice"
    with (out / "events.csv").open(encoding="utf-8-sig", newline="") as file:
        owners = [row["owner"] for row in csv.DictReader(file)]
    assert owners == ["anna", "anna", "'=HYPERLINK(1)", "'=HYPERLINK(1)"]


def test_an_export_leaves_nothing_of_the_plan_out(tmp_path: Path) -> None:
    shipped = load_plan()
    page = html.unescape(export_plan(shipped, tmp_path)[0].read_text(encoding="utf-8"))
    sheets = "".join(
        path.read_text(encoding="utf-8-sig").replace('""', '"') for path in tmp_path.glob("*.csv")
    )

    def leaves(part: object) -> Iterator[str]:
        if isinstance(part, Mapping):
            for value in part.values():
                yield from leaves(value)
        elif isinstance(part, list):
            for value in part:
                yield from leaves(value)
        elif not isinstance(part, bool):
            yield str(part)

    assert {text for text in leaves(shipped.data) if text not in page} == set()
    assert {text for text in leaves(shipped.data) if text not in sheets} == set()
