"""Trees keep their paths whatever is moved, and never close a ring."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_customer.organisation.model import Department
from facet_customer.trees import in_tree_order, rehang
from facet_kit.errors import Conflict

STEPS = st.lists(st.tuples(st.integers(0, 7), st.integers(-1, 7)), max_size=30)


def forest(size: int) -> list[Department]:
    nodes = [Department(id=f"n{place}") for place in range(size)]
    for node in nodes:
        node.hang_under(None)
    return nodes


def path_by_parents(nodes: list[Department], node: Department) -> list[str]:
    by_id, path, step = {each.id: each for each in nodes}, [], node
    while True:
        assert step.id not in path, "a ring"
        path.insert(0, step.id)
        if not step.parent_id:
            return path
        step = by_id[step.parent_id]


@given(STEPS)
def test_after_any_moves_every_path_follows_the_parents(steps):
    nodes = forest(8)
    for moved, target in steps:
        node, parent = nodes[moved], nodes[target] if target >= 0 else None
        below = [each for each in nodes if node.id in each.ancestor_ids]
        closes_ring = parent is not None and node.id in path_by_parents(nodes, parent)
        if closes_ring:
            with pytest.raises(Conflict):
                rehang(node, parent, below)
        else:
            changed = rehang(node, parent, below)
            assert all(previous != each.ancestor_ids for each, previous in changed)
    for node in nodes:
        assert node.ancestor_ids == path_by_parents(nodes, node)
        assert node.root_id == node.ancestor_ids[0]


@given(STEPS)
def test_parents_stand_before_their_children(steps):
    nodes = forest(8)
    for moved, target in steps:
        node, parent = nodes[moved], nodes[target] if target >= 0 else None
        if parent is None or node.id not in parent.ancestor_ids:
            rehang(node, parent, [each for each in nodes if node.id in each.ancestor_ids])
    order = in_tree_order([node.ancestor_ids for node in nodes])
    assert sorted(order) == sorted(node.id for node in nodes)
    for node in nodes:
        if node.parent_id:
            assert order.index(node.parent_id) < order.index(node.id)


def test_a_move_to_the_same_place_changes_nothing():
    top, below = forest(2)
    rehang(below, top, [below])
    assert rehang(below, top, [below]) == []
