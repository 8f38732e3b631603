"""Scores pairs of records with splink: Fellegi and Sunter's model, trained on these records.

The same records and settings give the same pairs, whatever the order of rows: samples are drawn by
hashes of keys, and what is trained and scored is rounded where the order of additions could show.
Values stay in the connection that they came in; keys, scores and weights leave it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.errors import WarehouseError
from orchestration.probabilistic.settings import COLUMNS, Comparison, Level, Rule, Settings

#: Columns that records come with. Records of one customer are certainly one person's.
RECORD_COLUMNS = (
    "record_key",
    "customer_id",
    "first_name",
    "last_name",
    "street",
    "postal_code",
    "city",
    "birth_year",
)

#: What is known of a scored pair; `comparison_weights` is JSON: by column the level and its weight.
PAIRS_SCHEMA = pa.schema(
    [
        ("first_record_key", pa.string()),
        ("second_record_key", pa.string()),
        ("first_customer_id", pa.string()),
        ("second_customer_id", pa.string()),
        ("match_probability", pa.float64()),
        ("match_weight", pa.float64()),
        ("comparison_weights", pa.string()),
        ("model_version", pa.string()),
    ]
)


def _letters(value: str) -> str:
    """SQL: the letters of a value, without case and accents."""
    return f"nullif(regexp_replace(strip_accents(lower({value})), '[^\\p{{L}}]+', '', 'g'), '')"


# Neither the number of the house nor the letter of a stairway is part of a street's name.
_STREET_NAME = _letters(r"regexp_replace(street, '\S*\d\S*|\b\p{L}\b', ' ', 'g')")

_PREPARED = f"""
create table prepared as
select
    record_key,
    customer_id,
    {_letters("first_name")} as first_name,
    {_letters("last_name")} as last_name,
    {_STREET_NAME} as street_name,
    nullif(regexp_extract(street, '\\d+'), '') as house_number,
    nullif(regexp_replace(upper(postal_code), '[^A-Z0-9]', '', 'g'), '') as postal_code,
    {_letters("city")} as city,
    case when birth_year between 1900 and 2100 then cast(birth_year as varchar) end as birth_year
from records
order by record_key
"""


def _told(column: str) -> str:
    """SQL: the value of a record, or the only one that its customer's other records have."""
    return (
        f"coalesce({column}, case when count(distinct {column}) over customer = 1"
        f" then min({column}) over customer end) as {column}"
    )


# A customer's records know of each other: what one of them leaves out, the others may tell. Of
# records that then say the same, one is compared.
_CANDIDATES = f"""
create table candidates as
with told as (
    select
        record_key,
        customer_id,
        {", ".join(map(_told, COLUMNS))}
    from prepared
    window customer as (partition by customer_id)
)

from told
qualify row_number() over (
    partition by customer_id, {", ".join(COLUMNS)} order by record_key
) = 1
order by record_key
"""


@dataclass(frozen=True)
class Scored:
    """Pairs of records of different customers, and how they were found.

    Attributes:
        pairs: By `PAIRS_SCHEMA`, ordered by keys; what scores less than `keep` is not in it.
        records: Number of records that were compared.
        model: The trained model: probabilities by level, no values.
        rules_left_out: Blocking rules that would have compared too many pairs, with their number.
    """

    pairs: pa.Table
    records: int
    model: Mapping[str, Any] = field(default_factory=dict)
    rules_left_out: Mapping[str, int] = field(default_factory=dict)


def scored_pairs(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Scored:
    """Train the model on the records of a connection and score their pairs.

    Args:
        connection: Holds `records` with `RECORD_COLUMNS`; tables are added to it.
        settings: What is compared, and how.

    Raises:
        WarehouseError: The records cannot be compared.
    """
    connection.execute(_PREPARED)
    connection.execute(_CANDIDATES)
    records = _count(connection, "select count(*) from candidates")
    sizes = {rule: _pairs_within(connection, rule) for rule in settings.blocking}
    rules = [rule for rule, size in sizes.items() if 0 < size <= settings.most_pairs_per_rule]
    left_out = {
        ", ".join(rule): size for rule, size in sizes.items() if size > settings.most_pairs_per_rule
    }
    if not rules:
        return Scored(PAIRS_SCHEMA.empty_table(), records, {}, left_out)
    # splink is an extra: nobody else pays for its import
    import splink
    from splink.internals.exceptions import SplinkException

    try:
        model = _trained(connection, settings)
        version = f"{settings.fingerprint}-{_hash(model)}"
        pairs = _predicted(connection, settings, model, rules, version)
    except (duckdb.Error, SplinkException) as error:
        # the engine's words may hold values; its kind says enough
        raise WarehouseError(
            f"splink {splink.__version__} cannot compare the records ({type(error).__name__}).",
            "Compare the settings with the shipped ones, or switch the probable links off.",
        ) from None
    return Scored(pairs, records, {"version": version, "comparisons": model}, left_out)


def _trained(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[dict[str, Any]]:
    """Splink's comparisons with their probabilities, learnt from the records."""
    from splink.internals.exceptions import EMTrainingException

    training = settings.training
    linker = _linker(
        connection,
        "prepared",
        comparisons=[_comparison(comparison) for comparison in settings.comparisons],
        rules=[],
        prior=_share_sure(connection, settings, "prepared", "true"),
    )
    linker.training.estimate_u_using_random_sampling(
        max_pairs=training.random_pairs,
        seed=training.seed,
        min_count_per_level=None,
        num_chunks=1,
    )
    for rule in training.rounds:
        if not _pairs_within(connection, rule, "prepared"):
            continue
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(
                _agreeing(rule),
                # whole patterns are counted, in numbers without fractions: no order of rows shows
                estimate_without_term_frequencies=True,
                max_pairs=training.random_pairs,
                record_sample_proportion=1.0,
            )
        except EMTrainingException:
            # Nothing to learn from these pairs, as where a column is empty: the given shares stay.
            continue
    records = _count(connection, "select count(*) from prepared")
    all_pairs = records * (records - 1) / 2
    matches = all_pairs * _share_sure(connection, settings, "prepared", "true")
    given = {comparison.column: comparison for comparison in settings.comparisons}
    return [
        _settled(
            comparison,
            given[comparison["output_column_name"]],
            matches=matches,
            weight=training.weight_of_given_shares,
            least=1 / min(all_pairs, training.random_pairs),
        )
        for comparison in linker.misc.save_model_to_json()["comparisons"]
    ]


def _settled(
    trained: Mapping[str, Any], given: Comparison, matches: float, weight: float, least: float
) -> dict[str, Any]:
    """A comparison as it was trained, with the given shares of matches as so many more matches."""
    levels = []
    counted = iter(level for level in given.levels if level.told_by is None)
    for level in trained["comparison_levels"]:
        settled = {
            key: level[key]
            for key in ("sql_condition", "label_for_charts", "is_null_level")
            if key in level
        }
        if not level.get("is_null_level"):
            share = next(counted).share_of_matches or 0.0
            seen = level.get("m_probability", 0.0)
            settled |= {
                "m_probability": _rounded((matches * seen + weight * share) / (matches + weight)),
                "u_probability": _rounded(max(level.get("u_probability", 0.0), least)),
            }
            if "tf_adjustment_column" in level:
                settled["tf_adjustment_column"] = level["tf_adjustment_column"]
        levels.append(settled)
    return {"output_column_name": trained["output_column_name"], "comparison_levels": levels}


def _predicted(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    model: list[dict[str, Any]],
    rules: Iterable[Rule],
    version: str,
) -> pa.Table:
    linker = _linker(
        connection,
        "candidates",
        comparisons=model,
        rules=[f"{_agreeing(rule)} and l.customer_id <> r.customer_id" for rule in rules],
        # What is certainly one person's is known: the chance that counts is that of the others.
        prior=_share_sure(connection, settings, "candidates", "l.customer_id <> r.customer_id"),
    )
    scored = linker.inference.predict(
        threshold_match_probability=settings.thresholds.keep
    ).physical_name
    compared = ", ".join(
        f"one.{column} as {column}_l, other.{column} as {column}_r" for column in COLUMNS
    )
    weights = ", ".join(
        f"'{comparison['output_column_name']}': "
        f"{{'level': {_level(comparison)}, 'weight': {_weight(comparison)}}}"
        for comparison in model
    )
    table: pa.Table = connection.execute(
        f"""
        with compared as (
            select
                scored.*,
                one.customer_id as first_customer_id,
                other.customer_id as second_customer_id,
                {compared}
            from {scored} as scored
            inner join candidates as one on scored.record_key_l = one.record_key
            inner join candidates as other on scored.record_key_r = other.record_key
        )

        select
            record_key_l as first_record_key,
            record_key_r as second_record_key,
            first_customer_id,
            second_customer_id,
            round(match_probability, 6) as match_probability,
            round(match_weight, 4) as match_weight,
            cast(to_json({{{weights}}}) as varchar) as comparison_weights,
            ? as model_version
        from compared
        order by first_record_key, second_record_key
        """,
        [version],
    ).to_arrow_table()
    return table.cast(PAIRS_SCHEMA)


def _linker(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: list[dict[str, Any]],
    rules: list[str],
    prior: float,
) -> Any:
    from splink import DuckDBAPI, Linker

    return Linker(
        DuckDBAPI(connection).register(table),
        {
            "link_type": "dedupe_only",
            "unique_id_column_name": "record_key",
            "probability_two_random_records_match": prior,
            "comparisons": comparisons,
            "blocking_rules_to_generate_predictions": rules,
            "retain_matching_columns": False,
            "retain_intermediate_calculation_columns": True,
            "linker_uid": table,
        },
        # it tells of progress and of settings, at length
        log_level=logging.CRITICAL,
        validate_settings=False,
    )


def _comparison(comparison: Comparison) -> dict[str, Any]:
    """A comparison as splink writes it down, before any training."""
    column = comparison.column
    absent = [f'"{column}_l" is null', f'"{column}_r" is null']
    # What another comparison counts is passed over here, like what is absent: told once, not twice.
    absent += [f"({_condition(column, level)})" for level in comparison.levels if level.told_by]
    levels: list[dict[str, Any]] = [
        {
            "sql_condition": " or ".join(absent),
            "label_for_charts": "absent",
            "is_null_level": True,
        }
    ]
    for level in comparison.levels:
        if level.told_by:
            continue
        levels.append(
            {
                "sql_condition": _condition(column, level),
                "label_for_charts": level.name,
                "m_probability": level.share_of_matches,
                **({"tf_adjustment_column": column} if level.by_frequency else {}),
            }
        )
    return {"output_column_name": column, "comparison_levels": levels}


def _condition(column: str, level: Level) -> str:
    one, two = f'"{column}_l"', f'"{column}_r"'
    match level.agrees:
        case "exact":
            return f"{one} = {two}"
        case "swapped":
            return f'{one} = "{level.other}_r" and "{level.other}_l" = {two}'
        case "jaro_winkler":
            return f"jaro_winkler_similarity({one}, {two}) >= {level.at_least}"
        case "edits":
            return f"damerau_levenshtein({one}, {two}) <= {level.at_most}"
        case "otherwise":
            return "ELSE"


def _level(comparison: Mapping[str, Any]) -> str:
    """SQL that names the level at which the values of a pair agree."""
    *named, rest = comparison["comparison_levels"]
    cases = " ".join(
        f"when {level['sql_condition']} then '{level['label_for_charts']}'" for level in named
    )
    return f"case {cases} else '{rest['label_for_charts']}' end"


def _weight(comparison: Mapping[str, Any]) -> str:
    column = comparison["output_column_name"]
    adjusts = any("tf_adjustment_column" in level for level in comparison["comparison_levels"])
    adjusted = f" + mw_tf_adj_{column}" if adjusts else ""
    return f"round(mw_{column}{adjusted}, 4)"


def _share_sure(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, condition: str
) -> float:
    """The chance that two records, drawn at random, are one person's; never 0 and never 1."""
    found = " union ".join(
        f"select l.record_key, r.record_key as other_key from {table} as l inner join {table} as r"
        f" on {_agreeing(rule)} and l.record_key < r.record_key and {condition}"
        for rule in settings.training.sure_when_equal
        if _pairs_within(connection, rule, table) <= settings.most_pairs_per_rule
    )
    matches = _count(connection, f"select count(*) from ({found})") if found else 0
    records = _count(connection, f"select count(*) from {table}")
    pairs = max(1, records * (records - 1) // 2)
    return min(0.5, max(1, matches) / settings.training.sure_share / pairs)


def _agreeing(rule: Rule) -> str:
    return " and ".join(f'l."{column}" = r."{column}"' for column in rule)


def _pairs_within(
    connection: duckdb.DuckDBPyConnection, rule: Rule, table: str = "candidates"
) -> int:
    """How many pairs agree on the columns of a rule."""
    present = " and ".join(f"{column} is not null" for column in rule)
    return _count(
        connection,
        f"""
        select coalesce(sum(number * (number - 1) // 2), 0)
        from (select count(*) as number from {table} where {present} group by {", ".join(rule)})
        """,
    )


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    # fetched to the end: splink works on the same connection
    ((number,),) = connection.execute(sql).fetchall()
    return int(number)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _hash(model: Any) -> str:
    return hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()[:8]
