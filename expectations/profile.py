"""What the tracking really sends: events, parameters and user properties of a window of days.

The counting is one pass of DuckDB over the conformed events, one over their parameters and one over
the properties of their users; Python sees a row per event, parameter and value that may be listed.
Values that hold personal data were masked before they came here, and a parameter that has had any
lists no values at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from expectations.memory import limited, workplace
from expectations.plan import Plan, event_params, value_rules

#: An enumeration of more values than this is no enumeration.
MOST_VALUES = 50

_EVENTS = """
create temp table observed as
select
    web_event_key,
    event_name,
    platform,
    event_date,
    item_count,
    exists (select 1 from planned_streams where planned_streams.stream_id = events.stream_id)
        as is_planned_stream
from intermediate.int_web_events_landed as events
where not is_duplicate and not is_superseded and event_date between ? and ?
"""

_EVENTS_COUNTED = """
select
    event_name,
    platform,
    count(*) as event_count,
    count(distinct event_date) as day_count,
    min(event_date) as first_date,
    max(event_date) as last_date,
    count(*) filter (where item_count > 0) / count(*) as item_share
from observed
where is_planned_stream
group by event_name, platform
order by event_name, platform
"""

_VALUES = """
create temp table observed_values as
select
    params.event_name,
    params.platform,
    params.param_key,
    params.value_type,
    -- Staging masks addresses and codes everywhere; a phone number in local spelling only the audit
    -- knows (PRI01), so no text that may be one is listed. Digits amid letters are a code's: ids of
    -- clicks have every sequence.
    case
        when params.value_type = 'string' and params.param_key <> 'transaction_id'
            then regexp_replace(
                params.value_text,
                '(^|[^0-9A-Za-z])([+]358|0)[ -]?[1-9][0-9]?[ -]?[0-9]{3,4}[ -]?[0-9]{3,4}'
                || '($|[^0-9A-Za-z])',
                '\\1redacted:phone\\3'
            )
        else params.value_text
    end as value_text,
    max(params.value_length) as value_length,
    bool_or(params.has_personal_data) as has_personal_data,
    min(params.event_date) as first_date,
    max(params.event_date) as last_date,
    count(distinct params.event_date) as day_count,
    count(*) as value_count
from intermediate.int_web_event_params_unioned as params
semi join (from observed where is_planned_stream) as observed
    on params.web_event_key = observed.web_event_key
where params.value_type <> 'none' and params.event_date between ? and ?
group by all
"""

_PLANNED_RULES = """
create temp table planned_rules (
    event_name varchar,
    platform varchar,
    param_key varchar,
    allowed_values varchar[],
    pattern varchar,
    least double,
    most double,
    longest bigint
)
"""

_PARAMS_COUNTED = """
with types as (
    select
        event_name, platform, param_key, value_type,
        sum(value_count)::bigint as value_count
    from observed_values
    group by all
),
params as (
    select
        event_name,
        platform,
        param_key,
        sum(value_count)::bigint as value_count,
        count(distinct value_text) as distinct_count,
        min(first_date) as first_date,
        max(last_date) as last_date,
        max(value_length) as longest,
        -- The geometric mean tells the magnitude, whatever a few values come to.
        exp(
            sum(value_count * ln(try_cast(value_text as double)))
                filter (try_cast(value_text as double) > 0)
            / sum(value_count) filter (try_cast(value_text as double) > 0)
        ) as typical_number,
        max(try_cast(value_text as double)) as largest_number,
        coalesce(
            sum(value_count) filter (has_personal_data or value_text like '%redacted:%'), 0
        )::bigint as personal_count
    from observed_values
    group by all
)
select
    params.*,
    (
        select map_from_entries(list((types.value_type, types.value_count) order by value_type))
        from types
        where
            types.event_name = params.event_name
            and types.platform = params.platform
            and types.param_key = params.param_key
    ) as types
from params
order by event_name, platform, param_key
"""

# Patterns are read as the audit's models read them, by the engine.
_WRONG_VALUES = """
with wrong as (
    select
        observed_values.event_name,
        observed_values.platform,
        observed_values.param_key,
        observed_values.value_text,
        sum(observed_values.value_count)::bigint as value_count
    from observed_values
    inner join planned_rules
        on
            observed_values.event_name = planned_rules.event_name
            and observed_values.platform = planned_rules.platform
            and observed_values.param_key = planned_rules.param_key
    where
        not coalesce(list_contains(allowed_values, value_text), true)
        or not coalesce(regexp_matches(value_text, pattern), true)
        or coalesce(try_cast(value_text as double) < least, false)
        or coalesce(try_cast(value_text as double) > most, false)
        or coalesce(value_length > longest, false)
    group by all
)
select
    event_name,
    platform,
    param_key,
    sum(value_count)::bigint as value_count,
    count(*) as distinct_count,
    list((value_text, value_count) order by value_count desc, value_text)[:5] as examples
from wrong
group by all
"""

_VALUES_LISTED = f"""
with listed as (
    select
        event_name, platform, param_key, value_text,
        sum(value_count)::bigint as value_count,
        max(day_count) as day_count
    from observed_values
    where value_text is not null
    group by all
)
select * from listed
qualify
    count(*) over (partition by event_name, platform, param_key) <= {MOST_VALUES}
order by event_name, platform, param_key, value_count desc, value_text
"""


# A user counts once a day, however many events say the same of him; values count by events.
_USER_PROPERTIES = """
create temp table user_values as
select
    platform,
    property_key,
    value_text,
    event_date,
    case when trim(value_text) <> '' then user_id end as user_id,
    user_id as logged_in,
    has_personal_data,
    event_count
from intermediate.int_web_user_properties_unioned as sent
where
    event_date between ? and ?
    and exists (select 1 from planned_streams where planned_streams.stream_id = sent.stream_id)
"""

_USERS_COUNTED = """
select platform, count(distinct (logged_in, event_date)) as user_count
from user_values
where logged_in is not null
group by platform
"""

_PROPERTIES_COUNTED = """
select
    platform,
    property_key,
    count(distinct case when user_id is not null then (user_id, event_date) end) as user_count,
    cast(sum(event_count) as bigint) as event_count,
    min(event_date) as first_date,
    max(event_date) as last_date,
    cast(coalesce(sum(event_count) filter (has_personal_data), 0) as bigint) as personal_count
from user_values
where property_key is not null
group by platform, property_key
order by property_key, platform
"""

_PROPERTY_VALUES = f"""
with counted as (
    select
        platform, property_key, value_text,
        cast(sum(event_count) as bigint) as value_count,
        count(distinct event_date) as day_count
    from user_values
    where property_key is not null and value_text is not null
    group by all
)
select * from counted
qualify count(*) over (partition by platform, property_key) <= {MOST_VALUES}
order by platform, property_key, value_count desc, value_text
"""

_WRONG_PROPERTIES = """
with wrong as (
    select platform, property_key, value_text, cast(sum(event_count) as bigint) as value_count
    from user_values
    inner join planned_properties on user_values.property_key = planned_properties.name
    where value_text is not null and not list_contains(allowed_values, value_text)
    group by all
)
select
    platform,
    property_key,
    sum(value_count)::bigint as value_count,
    count(*) as distinct_count,
    list((value_text, value_count) order by value_count desc, value_text)[:5] as examples
from wrong
group by all
"""


@dataclass(frozen=True)
class ObservedValue:
    """One value of a parameter: how often it came, and on how many days."""

    text: str
    count: int
    days: int


@dataclass(frozen=True)
class WrongValues:
    """Values outside the allowed set, pattern, range or length of the plan.

    Attributes:
        count: How many parameters.
        distinct: How many different values.
        examples: The most frequent of them, with how often they came.
    """

    count: int
    distinct: int
    examples: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class ObservedParam:
    """One parameter of one event on one platform.

    Attributes:
        types: Number of values by type: string, int, double, float or several.
        values: All values, the most frequent first; empty where there are more than
            `MOST_VALUES` or where any of them held personal data.
        share: Share of the event's occurrences that carried it.
        longest: Length of the longest value.
        personal_count: How many of the values held personal data.
        wrong: What breaks the plan's rule for it; None where nothing does, or there is no rule.
        typical_number: Geometric mean of the numbers above 0; None where there is none.
        largest_number: None where no value is a number.
    """

    name: str
    types: Mapping[str, int]
    count: int
    share: float
    distinct: int
    values: Sequence[ObservedValue]
    longest: int | None
    first_date: dt.date
    last_date: dt.date
    personal_count: int
    wrong: WrongValues | None
    typical_number: float | None = None
    largest_number: float | None = None


@dataclass(frozen=True)
class ObservedEvent:
    """One event on one platform.

    Attributes:
        days: Number of days on which it came.
        item_share: Share of occurrences with at least one item.
    """

    name: str
    platform: str
    count: int
    days: int
    first_date: dt.date
    last_date: dt.date
    item_share: float
    params: Mapping[str, ObservedParam] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservedProperty:
    """One user property on one platform.

    Attributes:
        users: Logged-in users, each counted once a day.
        share: Share of them of whom any event of the day carried it.
        count: Events that carried it, whoever was there.
        values: As of a parameter.
        personal_count: As of a parameter, by events.
        wrong: Values that the plan does not allow; None where there are none.
    """

    name: str
    platform: str
    users: int
    share: float
    count: int
    values: Sequence[ObservedValue]
    first_date: dt.date
    last_date: dt.date
    personal_count: int
    wrong: WrongValues | None


@dataclass(frozen=True)
class Profile:
    """All that was observed from the plan's streams between two days, both included.

    Attributes:
        users: Logged-in users by platform, each counted once a day; without a platform whose
            events were delivered without user properties.
        user_properties: By name and platform.
    """

    first_date: dt.date
    last_date: dt.date
    events: Mapping[tuple[str, str], ObservedEvent]
    users: Mapping[str, int] = field(default_factory=dict)
    user_properties: Mapping[tuple[str, str], ObservedProperty] = field(default_factory=dict)

    @property
    def event_count(self) -> int:
        """Events of any name."""
        return sum(event.count for event in self.events.values())


@dataclass(frozen=True)
class Surroundings:
    """Where the events come from, for a plan that begins empty.

    Attributes:
        streams: Id and platform of each stream.
        hosts: Hosts of at least a hundredth of the pages, the most frequent first.
        currency: The most frequent; None where no event has one.
    """

    streams: Sequence[tuple[str, str]]
    hosts: Sequence[str]
    currency: str | None


class NothingObserved(Exception):
    """The warehouse has no web event in the window; says which days it has."""


def observe(
    warehouse: Path,
    plan: Plan,
    first_date: dt.date | None = None,
    last_date: dt.date | None = None,
    days: int = 28,
) -> Profile:
    """Profile the web events of a window.

    Args:
        warehouse: The warehouse file; it is only read.
        plan: Its streams say which events are ours, its rules which values are wrong.
        first_date: First business day; by default `days` before the last.
        last_date: Last business day; by default the newest that has events.
        days: Length of the window where its first day is not given.

    Raises:
        NothingObserved: No event of a planned stream lies in the window.
    """
    with workplace(warehouse.parent) as connection:
        path = str(warehouse).replace("'", "''")
        connection.execute(f"attach '{path}' as warehouse (read_only)")
        connection.execute("use warehouse")
        connection.execute("create temp table planned_streams (stream_id varchar)")
        streams = [[str(stream["id"])] for stream in plan.data["property"]["streams"]]
        connection.executemany("insert into planned_streams values (?)", streams)
        connection.execute(_PLANNED_RULES)
        connection.executemany(
            "insert into planned_rules values (?, ?, ?, ?, ?, ?, ?, ?)", _rules(plan)
        )
        oldest, newest = _span(connection)
        last_date = last_date or newest
        first_date = first_date or last_date - dt.timedelta(days=days - 1)
        window = [first_date, last_date]
        connection.execute(_EVENTS, window)
        connection.execute(_VALUES, window)
        events = _rows(connection, _EVENTS_COUNTED)
        if not events:
            raise NothingObserved(
                f"No event of the plan's streams lies between {first_date} and {last_date}; the"
                f" warehouse has events from {oldest} to {newest}."
            )
        values: dict[tuple[str, str, str], list[ObservedValue]] = {}
        for row in _rows(connection, _VALUES_LISTED):
            key = (row["event_name"], row["platform"], row["param_key"])
            value = ObservedValue(row["value_text"], row["value_count"], row["day_count"])
            values.setdefault(key, []).append(value)
        wrong = {
            (row["event_name"], row["platform"], row["param_key"]): WrongValues(
                row["value_count"], row["distinct_count"], row["examples"]
            )
            for row in _rows(connection, _WRONG_VALUES)
        }
        params: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in _rows(connection, _PARAMS_COUNTED):
            params.setdefault((row["event_name"], row["platform"]), []).append(row)
        users, user_properties = _user_properties(connection, plan, window)
    found = {}
    for row in events:
        place = (row["event_name"], row["platform"])
        observed = [
            _param(
                param,
                row["event_count"],
                values.get((*place, param["param_key"]), []),
                wrong.get((*place, param["param_key"])),
            )
            for param in params.get(place, [])
        ]
        found[place] = ObservedEvent(
            name=row["event_name"],
            platform=row["platform"],
            count=row["event_count"],
            days=row["day_count"],
            first_date=row["first_date"],
            last_date=row["last_date"],
            item_share=row["item_share"],
            params={param.name: param for param in observed},
        )
    return Profile(first_date, last_date, found, users, user_properties)


def _user_properties(
    connection: duckdb.DuckDBPyConnection, plan: Plan, window: list[dt.date]
) -> tuple[dict[str, int], dict[tuple[str, str], ObservedProperty]]:
    """Count what was told of users in the window."""
    connection.execute(
        "create temp table planned_properties (name varchar, allowed_values varchar[])"
    )
    allowed = [
        [prop["name"], value_rules(prop)["allowed_values"]]
        for prop in plan.rows("user_properties")
        if "allowed_values" in value_rules(prop)
    ]
    if allowed:
        connection.executemany("insert into planned_properties values (?, ?)", allowed)
    connection.execute(_USER_PROPERTIES, window)
    users = {row["platform"]: row["user_count"] for row in _rows(connection, _USERS_COUNTED)}
    values: dict[tuple[str, str], list[ObservedValue]] = {}
    for row in _rows(connection, _PROPERTY_VALUES):
        value = ObservedValue(row["value_text"], row["value_count"], row["day_count"])
        values.setdefault((row["property_key"], row["platform"]), []).append(value)
    wrong = {
        (row["property_key"], row["platform"]): WrongValues(
            row["value_count"], row["distinct_count"], row["examples"]
        )
        for row in _rows(connection, _WRONG_PROPERTIES)
    }
    found = {}
    for row in _rows(connection, _PROPERTIES_COUNTED):
        place = (row["property_key"], row["platform"])
        found[place] = ObservedProperty(
            name=row["property_key"],
            platform=row["platform"],
            users=users.get(row["platform"], 0),
            share=row["user_count"] / users[row["platform"]] if row["user_count"] else 0.0,
            count=row["event_count"],
            values=() if row["personal_count"] else tuple(values.get(place, ())),
            first_date=row["first_date"],
            last_date=row["last_date"],
            personal_count=row["personal_count"],
            wrong=wrong.get(place),
        )
    return users, found


def observe_counts(connection: duckdb.DuckDBPyConnection) -> Profile | None:
    """Return which events and parameters came, from the audit's own counts of all days.

    Without values and types: those cost a scan of every parameter, coverage needs none of them.
    None where no event of a planned stream has come.
    """
    (schema,) = connection.execute(
        "select max(table_schema) from information_schema.tables"
        " where table_name = 'int_audit_event_names_counted'"
    ).fetchall()[0]
    params: dict[tuple[str, str], dict[str, ObservedParam]] = {}
    for row in _rows(
        connection,
        "select event_name, platform, param_key, cast(sum(row_count) as bigint) as n,"
        " min(event_date) as first_date, max(event_date) as last_date"
        f' from "{schema}".int_audit_param_values_counted'
        " where value_kind <> 'none' group by all",
    ):
        params.setdefault((row["event_name"], row["platform"]), {})[row["param_key"]] = (
            ObservedParam(
                name=row["param_key"],
                types={},
                count=row["n"],
                share=float("nan"),
                distinct=0,
                values=(),
                longest=None,
                first_date=row["first_date"],
                last_date=row["last_date"],
                personal_count=0,
                wrong=None,
            )
        )
    events = {
        (row["event_name"], row["platform"]): ObservedEvent(
            name=row["event_name"],
            platform=row["platform"],
            count=row["n"],
            days=row["days"],
            first_date=row["first_date"],
            last_date=row["last_date"],
            item_share=float("nan"),
            params=params.get((row["event_name"], row["platform"]), {}),
        )
        for row in _rows(
            connection,
            "select event_name, platform, cast(sum(row_count) as bigint) as n,"
            " count(distinct event_date) as days, min(event_date) as first_date,"
            " max(event_date) as last_date"
            f' from "{schema}".int_audit_event_names_counted'
            " where is_planned_stream group by all order by n desc, event_name, platform",
        )
    }
    if not events:
        return None
    return Profile(
        first_date=min(event.first_date for event in events.values()),
        last_date=max(event.last_date for event in events.values()),
        events=events,
    )


def observe_surroundings(warehouse: Path) -> Surroundings:
    """Find the streams, hosts and the currency of all landed events.

    Args:
        warehouse: The warehouse file; it is only read.

    Raises:
        NothingObserved: There is no event with a stream.
    """
    events = "intermediate.int_web_events_landed"
    with limited(duckdb.connect(str(warehouse), read_only=True)) as connection:
        _span(connection)
        streams = connection.execute(
            f"""
            select stream_id, mode(platform) from {events}
            where stream_id is not null and platform in ('web', 'app')
            group by stream_id order by count(*) desc, stream_id
            """
        ).fetchall()
        if not streams:
            raise NothingObserved("No web event names the stream that it came from.")
        hosts = connection.execute(
            f"""
            select page_host from {events} where page_host is not null
            group by page_host
            having count(*) >= 0.01 * (select count(page_host) from {events})
            order by count(*) desc, page_host
            """
        ).fetchall()
        currency = connection.execute(
            f"""
            select currency from {events} where regexp_full_match(currency, '[A-Z]{{3}}')
            group by currency order by count(*) desc, currency limit 1
            """
        ).fetchone()
    return Surroundings(
        streams=[(stream, platform) for stream, platform in streams],
        hosts=[host for (host,) in hosts],
        currency=currency[0] if currency else None,
    )


def _param(
    row: Mapping[str, Any], events: int, values: list[ObservedValue], wrong: WrongValues | None
) -> ObservedParam:
    return ObservedParam(
        name=row["param_key"],
        types=row["types"],
        count=row["value_count"],
        share=min(1.0, row["value_count"] / events),
        distinct=row["distinct_count"],
        values=() if row["personal_count"] else tuple(values),
        longest=row["longest"],
        first_date=row["first_date"],
        last_date=row["last_date"],
        personal_count=row["personal_count"],
        wrong=wrong,
        typical_number=row["typical_number"],
        largest_number=row["largest_number"],
    )


def _rules(plan: Plan) -> list[list[Any]]:
    """One row per planned parameter that has a rule for its values."""
    fields = ("allowed_values", "pattern", "min", "max")
    rows = [
        [
            event["name"],
            platform,
            param["name"],
            *(value_rules(param).get(field) for field in fields),
            param.get("max_length"),
        ]
        for event in plan.events
        for platform, param in event_params(plan, event)
    ]
    # A rule that no event can break keeps the table from being empty, which executemany refuses.
    return [row for row in rows if any(rule is not None for rule in row[3:])] or [
        [""] * 3 + [None] * 5
    ]


def _span(connection: duckdb.DuckDBPyConnection) -> tuple[dt.date, dt.date]:
    found = connection.execute(
        "select min(event_date), max(event_date) from intermediate.int_web_events_landed"
    ).fetchone()
    if not found or found[1] is None:
        raise NothingObserved("The warehouse has no web event yet.")
    return found[0], found[1]


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
