"""What thresholds and reviewers make of scored pairs of customers: statuses and groups.

Pure functions over tables; `identity diff` asks them what other thresholds would do.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from orchestration.probabilistic.settings import Thresholds

#: One row per pair of customers. `decision`: accepted, rejected, kept_apart, or null; the record
#: keys are those of the pair's best records, by which a decision names it for good.
_CUSTOMER_PAIRS: dict[str, pa.DataType] = {
    "first_customer_id": pa.string(),
    "second_customer_id": pa.string(),
    "first_customer_since": pa.timestamp("us"),
    "second_customer_since": pa.timestamp("us"),
    "first_record_key": pa.string(),
    "second_record_key": pa.string(),
    "record_pair_count": pa.int64(),
    "match_probability": pa.float64(),
    "match_weight": pa.float64(),
    "comparison_weights": pa.string(),
    "decision": pa.string(),
    "decided_at": pa.timestamp("us"),
    "model_version": pa.string(),
}
CUSTOMER_PAIRS_SCHEMA = pa.schema(_CUSTOMER_PAIRS)

#: With what `grouped` adds. `held_back` says why a pair above the threshold waits for review.
_GROUPED: dict[str, pa.DataType] = {
    **_CUSTOMER_PAIRS,
    "status": pa.string(),
    "held_back": pa.string(),
    "probable_customer_id": pa.string(),
    "group_size": pa.int64(),
}
GROUPED_SCHEMA = pa.schema(_GROUPED)

_APART = ("rejected", "kept_apart")
_TOO_MANY, _KEPT_APART = 1, 2
_REASONS = {0: None, _TOO_MANY: "too_many", _KEPT_APART: "kept_apart"}


def grouped(pairs: pa.Table, thresholds: Thresholds, largest_group: int) -> pa.Table:
    """Give every pair its status and every linked pair its group.

    A decision goes before the score. Where a chain of links would join two who were kept apart, or
    more than `largest_group` customers, what nobody has decided in that chain waits for review;
    where decisions alone contradict each other, they wait too. Nothing is joined on the quiet.

    Args:
        pairs: By `CUSTOMER_PAIRS_SCHEMA`.
        thresholds: From which score a pair is linked, and reviewed.
        largest_group: Number of customers that can be one person.

    Returns:
        The pairs by `GROUPED_SCHEMA`, in the same order; a group is named by its oldest customer.
    """
    first = pairs["first_customer_id"].to_numpy(zero_copy_only=False)
    second = pairs["second_customer_id"].to_numpy(zero_copy_only=False)
    customers, ends = np.unique(np.concatenate([first, second]), return_inverse=True)
    one, other = ends[: len(first)], ends[len(first) :]
    score = np.nan_to_num(pairs["match_probability"].to_numpy())
    decision = np.array(pairs["decision"].to_pylist(), dtype=object)
    accepted = decision == "accepted"
    apart = np.isin(decision, _APART)
    linked = accepted | (~apart & (score >= thresholds.link))
    held_back = np.zeros(len(first), dtype=np.int8)
    # First what nobody has decided gives way, then what was decided: of many that are one person by
    # decision alone, nobody is kept apart for their number.
    for gives_way, limit in ((~accepted, largest_group), (accepted, len(customers))):
        group, size = _components(one[linked], other[linked], len(customers))
        torn = np.zeros(len(size), dtype=bool)
        torn[group[one[apart & (group[one] == group[other])]]] = True
        waits = linked & gives_way
        held_back[waits & (size > limit)[group[one]]] = _TOO_MANY
        held_back[waits & torn[group[one]]] = _KEPT_APART
        linked &= held_back == 0
    group, size = _components(one[linked], other[linked], len(customers))
    status = np.select(
        [apart, linked & accepted, linked, (held_back > 0) | (score >= thresholds.review)],
        ["rejected", "accepted", "probable", "review"],
        "unlikely",
    )
    added: dict[str, pa.Array] = {
        "status": pa.array(status.tolist(), pa.string()),
        "held_back": pa.array([_REASONS[reason] for reason in held_back.tolist()], pa.string()),
        "probable_customer_id": pa.array(
            _oldest(pairs, customers, one, other, group)[group[one]], pa.string(), mask=~linked
        ),
        "group_size": pa.array(size[group[one]], pa.int64(), mask=~linked),
    }
    for name, values in added.items():
        pairs = pairs.append_column(name, values)
    return pairs


def _components(one: np.ndarray, other: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The group of every customer, and the sizes of the groups."""
    graph = coo_matrix((np.ones(len(one), dtype=np.int8), (one, other)), shape=(number, number))
    _, group = connected_components(graph, directed=False)
    return group, np.bincount(group, minlength=number)


def _oldest(
    pairs: pa.Table, customers: np.ndarray, one: np.ndarray, other: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """By group, the id of its oldest customer; ties by id."""
    since = np.empty(len(customers), dtype="datetime64[us]")
    since[one] = pairs["first_customer_since"].to_numpy()
    since[other] = pairs["second_customer_since"].to_numpy()
    by_age = np.lexsort((np.arange(len(customers)), since))[::-1]
    oldest = np.empty(len(customers), dtype=object)
    oldest[group[by_age]] = customers[by_age]
    return oldest
