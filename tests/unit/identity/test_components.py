"""Connected components in SQL, against scipy; meetings of identifiers, against a walk in Python."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Edges = list[tuple[int, int]]


def key(node: int) -> str:
    """Keys whose order is not that of the numbers."""
    return f"{(node * 7919) % 10007:05d}-{node}"


def labels_by_sql(macro: Callable[..., str], edges: Edges) -> dict[str, str]:
    connection = duckdb.connect()
    connection.execute("create table edges (from_key varchar, to_key varchar)")
    if edges:
        ends = [[key(edge[side]) for edge in edges] for side in (0, 1)]
        connection.execute("insert into edges select unnest(?), unnest(?)", ends)
    return dict(connection.execute(macro("connected_components", "edges")).fetchall())


def labels_by_scipy(edges: Edges) -> dict[str, str]:
    if not edges:
        return {}
    size = max(max(edge) for edge in edges) + 1
    ends = np.array(edges)
    _, label = connected_components(
        coo_array((np.ones(len(edges)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    )
    members: dict[int, list[str]] = {}
    for node in sorted({int(end) for edge in edges for end in edge}):
        members.setdefault(int(label[node]), []).append(key(node))
    return {node: min(group) for group in members.values() for node in group}


graphs = st.integers(2, 40).flatmap(
    lambda size: st.lists(
        st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=60
    )
)


@settings(max_examples=40)
@given(edges=graphs)
def test_components_are_scipys_and_named_by_their_smallest_key(call_macro, edges):
    assert labels_by_sql(call_macro, edges) == labels_by_scipy(edges)


@settings(max_examples=20)
@given(edges=graphs, random=st.randoms(use_true_random=False))
def test_neither_order_nor_direction_nor_repetition_of_edges_matters(call_macro, edges, random):
    shuffled = [(b, a) if random.random() < 0.5 else (a, b) for a, b in edges + edges[::2]]
    random.shuffle(shuffled)
    assert labels_by_sql(call_macro, shuffled) == labels_by_sql(call_macro, edges)


@pytest.mark.parametrize("density", [0.4, 0.6, 1.5])
def test_components_of_a_large_random_graph_are_scipys(call_macro, density):
    random = np.random.default_rng(11)
    edges = random.integers(0, 3000, (int(3000 * density), 2)).tolist()
    assert labels_by_sql(call_macro, edges) == labels_by_scipy(edges)


@pytest.mark.parametrize(
    "edges",
    [
        [(n, n + 1) for n in range(400)],
        [(0, n) for n in range(1, 400)],
        [(n, n) for n in range(5)],
    ],
    ids=["chain", "star", "loops"],
)
def test_extreme_shapes_are_one_component_or_none(call_macro, edges):
    assert labels_by_sql(call_macro, edges) == labels_by_scipy(edges)


def meetings_by_walk(ages: dict[int, int], steps: dict[tuple[int, int], int]) -> dict[int, int]:
    """For each node the earliest time at which a way leads to an older one (minimax path)."""
    around: dict[int, list[tuple[int, int]]] = {}
    for (one, other), time in steps.items():
        around.setdefault(one, []).append((other, time))
        around.setdefault(other, []).append((one, time))
    found = {}
    for founder, born in ages.items():
        queue, seen = [(born, founder)], set()
        while queue:
            time, node = heapq.heappop(queue)
            if node in seen:
                continue
            seen.add(node)
            if (ages[node], key(node)) < (born, key(founder)):
                found[founder] = time
                break
            for neighbour, joined in around.get(node, []):
                heapq.heappush(queue, (max(time, joined), neighbour))
    return found


@settings(max_examples=40)
@given(data=st.data())
def test_meetings_are_those_of_the_walk(call_macro, data):
    size = data.draw(st.integers(2, 12))
    ages = {node: data.draw(st.integers(0, 20)) for node in range(size)}
    pairs = data.draw(
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=18)
    )
    steps = {
        (a, b): max(ages[a], ages[b]) + data.draw(st.integers(0, 10)) for a, b in pairs if a < b
    }
    connection = duckdb.connect()
    connection.execute("create table starts (start_key varchar, started_at integer)")
    connection.execute(
        "create table steps (from_key varchar, to_key varchar, first_seen_at integer,"
        " joined_by varchar)"
    )
    for node, born in ages.items():
        connection.execute("insert into starts values (?, ?)", [key(node), born])
    for (a, b), time in steps.items():
        for one, other in ((a, b), (b, a)):
            connection.execute(
                "insert into steps values (?, ?, ?, ?)",
                [key(one), key(other), time, f"{min(a, b)}-{max(a, b)}"],
            )
    walk = call_macro("earliest_meetings", "starts", "steps")
    found = connection.execute(
        f"""
        select walked.start_key, min(walked.reached_at)
        from ({walk}) as walked
        inner join starts on walked.start_key = starts.start_key
        inner join starts as met on walked.node_key = met.start_key
        where (met.started_at, met.start_key) < (starts.started_at, starts.start_key)
        group by walked.start_key
        """
    ).fetchall()
    expected = {key(node): time for node, time in meetings_by_walk(ages, steps).items()}
    assert dict(found) == expected
