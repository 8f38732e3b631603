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
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.errors import WarehouseError
from orchestration.probabilistic.settings import COLUMNS, Comparison, Rule, Settings

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
_PAIRS: dict[str, pa.DataType] = {
    "first_record_key": pa.string(),
    "second_record_key": pa.string(),
    "first_customer_id": pa.string(),
    "second_customer_id": pa.string(),
    "match_probability": pa.float64(),
    "match_weight": pa.float64(),
    "comparison_weights": pa.string(),
    "model_version": pa.string(),
}
PAIRS_SCHEMA = pa.schema(_PAIRS)


def _letters(value: str) -> str:
    """SQL: the letters of a value, without case and accents."""
    return f"nullif(regexp_replace(strip_accents(lower({value})), '[^\\p{{L}}]+', '', 'g'), '')"


# Neither the number of the house nor the letter of a stairway is part of a street's name.
_STREET_NAME = r"""
    nullif(array_to_string(list_filter(
        regexp_split_to_array(strip_accents(lower(street)), '[^\p{L}\d]+'),
        lambda word: length(word) > 1 and not regexp_matches(word, '\d')
    ), ''), '')
"""

_PREPARED = f"""
create table prepared as
with tidied as (
    select
        record_key,
        customer_id,
        {_letters("first_name")} as first_name,
        {_letters("last_name")} as last_name,
        {_STREET_NAME} as street_name,
        nullif(regexp_extract(street, '\\d+'), '') as house_number,
        nullif(regexp_replace(upper(postal_code), '[^A-Z0-9]', '', 'g'), '') as postal_code,
        {_letters("city")} as city,
        case when birth_year between 1900 and 2100 then cast(birth_year as varchar) end
            as birth_year
    from records
)

select
    *,
    street_name || ' ' || house_number || ' ' || postal_code as address
from tidied
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
        model = _model(connection, settings, rules)
        version = f"{settings.fingerprint}-{_hash(asdict(model))}"
        pairs = _predicted(connection, settings, model, rules, version)
    except (duckdb.Error, SplinkException) as error:
        # the engine's words may hold values; its kind says enough
        raise WarehouseError(
            f"splink {splink.__version__} cannot compare the records ({type(error).__name__}).",
            "Compare the settings with the shipped ones, or switch the probable links off.",
        ) from None
    return Scored(pairs, records, {"version": version, **asdict(model)}, left_out)


@dataclass(frozen=True)
class _Model:
    """Splink's comparisons with their probabilities, and the chance that two customers are one."""

    comparisons: list[dict[str, Any]]
    prior: float


# Of pairs of records of different customers.
_OTHERS = "l.customer_id <> r.customer_id"


def _model(
    connection: duckdb.DuckDBPyConnection, settings: Settings, rules: Iterable[Rule]
) -> _Model:
    """What the records teach, and how many of them match.

    The matches are counted twice: those that agree on enough to be sure, and, by a model that was
    settled with these, all that are likely.
    """
    pairs = _all_pairs(connection, "prepared")
    sure = _sure_pairs(connection, settings, "prepared")
    trained = _trained(connection, settings, _prior(sure, pairs, settings))
    blocking = [_agreeing(rule) for rule in rules]
    certain = _certain(connection, settings)
    first = _settled(trained, settings, certain, sure, pairs)
    linker = _linker(connection, "prepared", first, blocking, _prior(sure, pairs, settings))
    scored = linker.inference.predict().physical_name
    # added up without fractions of binary digits, so that no order of rows shows
    ((likely,),) = connection.sql(
        f"select coalesce(sum(cast(match_probability as decimal(18, 6))), 0) from {scored}"
    ).fetchall()
    # What is certainly one person's is known: the chance that counts is that of the others.
    others = _sure_pairs(connection, settings, "candidates", _OTHERS)
    return _Model(
        comparisons=_settled(trained, settings, certain, float(likely), pairs),
        prior=_prior(others, _all_pairs(connection, "candidates"), settings),
    )


def _trained(
    connection: duckdb.DuckDBPyConnection, settings: Settings, prior: float
) -> list[dict[str, Any]]:
    """Splink's comparisons as expectation maximisation leaves them."""
    from splink.internals.exceptions import EMTrainingException

    training = settings.training
    comparisons = [_comparison(comparison) for comparison in settings.comparisons]
    linker = _linker(connection, "prepared", comparisons, [], prior)
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
        except (EMTrainingException, ValueError):
            # Too few pairs, or all of them alike, teach nothing: the given shares stay.
            continue
    trained: list[dict[str, Any]] = linker.misc.save_model_to_json()["comparisons"]
    return trained


def _certain(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, list[int]]:
    """By comparison, how many pairs of one customer's records are found at each of its levels."""
    compared = ", ".join(
        f"l.{column} as {column}_l, r.{column} as {column}_r" for column in COLUMNS
    )
    counts = {}
    for comparison in settings.comparisons:
        *named, _ = comparison.levels
        cases = " ".join(
            f"when {level.condition} then {place}" for place, level in enumerate(named)
        )
        found = connection.sql(
            f"""
            select
                case when {comparison.is_absent} then null {cases} else {len(named)} end as place,
                count(*)
            from (
                select {compared}
                from prepared as l
                inner join prepared as r
                    on l.customer_id = r.customer_id and l.record_key < r.record_key
            )
            group by place
            """
        ).fetchall()
        by_place = dict(found)
        counts[comparison.name] = [by_place.get(place, 0) for place in range(len(named) + 1)]
    return counts


def _settled(
    trained: Iterable[Mapping[str, Any]],
    settings: Settings,
    certain: Mapping[str, list[int]],
    matches: float,
    pairs: int,
) -> list[dict[str, Any]]:
    """The trained comparisons, with the given shares of matches as so many more matches.

    Records that certain identifiers hold together are matches without any guess: they correct what
    expectation maximisation took for matches, as where a family of one address passes for a person.

    Random pairs hold matches too, and where data are full of duplicates these are the better part
    of the pairs that agree: what matches make up is taken off what agrees by chance.
    """
    weight = settings.training.weight_of_given_shares
    least = 1 / min(pairs, settings.training.random_pairs)
    settled = []
    for comparison, given in zip(trained, settings.comparisons, strict=True):
        absent, *found = comparison["comparison_levels"]
        levels = [{key: absent[key] for key in ("sql_condition", "label_for_charts")}]
        levels[0]["is_null_level"] = True
        told_shares = [told.share_of_matches for told in given.levels]
        learnt = [level.get("m_probability", 0.0) for level in found]
        if learnt != told_shares:
            # a level that never occurred in training still has the share that it was given
            learnt = [
                0.0 if seen == told else seen
                for seen, told in zip(learnt, told_shares, strict=True)
            ]
        total = sum(learnt)
        facts = certain[given.name]
        # Many of them are copies, typed only once: they may outweigh the guess, not rule it out.
        scale = min(1.0, settings.training.most_certain_links / max(1, sum(facts)))
        for level, told, seen, fact in zip(found, given.levels, learnt, facts, strict=True):
            guess = (matches * seen / total + weight * told.share_of_matches) / (matches + weight)
            share = (scale * fact + weight * guess) / (scale * sum(facts) + weight)
            by_chance = level.get("u_probability", 0.0) - share * matches / pairs
            levels.append(
                {
                    "sql_condition": level["sql_condition"],
                    "label_for_charts": level["label_for_charts"],
                    "m_probability": _rounded(share),
                    "u_probability": _rounded(max(by_chance, least)),
                    **({"tf_adjustment_column": told.by_frequency} if told.by_frequency else {}),
                }
            )
        settled.append({"output_column_name": given.name, "comparison_levels": levels})
    return settled


def _predicted(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    model: _Model,
    rules: Iterable[Rule],
    version: str,
) -> pa.Table:
    blocking = [f"{_agreeing(rule)} and {_OTHERS}" for rule in rules]
    linker = _linker(connection, "candidates", model.comparisons, blocking, model.prior)
    scored = linker.inference.predict(
        threshold_match_probability=settings.thresholds.keep
    ).physical_name
    compared = ", ".join(
        f"one.{column} as {column}_l, other.{column} as {column}_r" for column in COLUMNS
    )
    weights = ", ".join(
        f"'{comparison['output_column_name']}': "
        f"{{'level': {_level(comparison)}, 'weight': {_weight(comparison)}}}"
        for comparison in model.comparisons
    )
    table: pa.Table = connection.sql(
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
        params=[version],
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
    return {
        "output_column_name": comparison.name,
        "comparison_levels": [
            {
                "sql_condition": comparison.is_absent,
                "label_for_charts": "absent",
                "is_null_level": True,
            },
            *(
                {
                    "sql_condition": level.condition,
                    "label_for_charts": level.name,
                    "m_probability": level.share_of_matches,
                    **({"tf_adjustment_column": level.by_frequency} if level.by_frequency else {}),
                }
                for level in comparison.levels
            ),
        ],
    }


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


def _sure_pairs(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, condition: str = "true"
) -> int:
    """Pairs that agree on enough to be counted as matches."""
    found = " union ".join(
        f"select l.record_key, r.record_key as other_key from {table} as l inner join {table} as r"
        f" on {_agreeing(rule)} and l.record_key < r.record_key and {condition}"
        for rule in settings.training.sure_when_equal
        if _pairs_within(connection, rule, table) <= settings.most_pairs_per_rule
    )
    return _count(connection, f"select count(*) from ({found})") if found else 0


def _all_pairs(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    records = _count(connection, f"select count(*) from {table}")
    return max(1, records * (records - 1) // 2)


def _prior(sure: int, pairs: int, settings: Settings) -> float:
    """The chance that two records, drawn at random, are one person's; never 0 and never 1."""
    return min(0.5, max(1, sure) / settings.training.sure_share / pairs)


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
