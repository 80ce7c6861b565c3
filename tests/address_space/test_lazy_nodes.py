from __future__ import annotations

import pytest
from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData

from server.address_space.lazy_nodes import LazyNodes, PlantNode

VALUE = ua.AttributeIds.Value


class Factory:
    """Makes nodes `n0`, `n1`, ... and counts how often."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, path: str) -> PlantNode | None:
        if not path.startswith("n"):
            return None
        self.made.append(path)
        return PlantNode(plant_id(path), {VALUE: AttributeValue(ua.DataValue(ua.Variant(1)))}, [])


def plant_id(path: str) -> ua.NodeId:
    return ua.NodeId(path, 3)


@pytest.fixture
def factory() -> Factory:
    return Factory()


@pytest.fixture
def nodes(factory: Factory) -> LazyNodes:
    loaded = {ua.NodeId(85): NodeData(ua.NodeId(85))}
    return LazyNodes(loaded, 3, factory, capacity=4)


def test_loaded_nodes_are_found_without_making_any(nodes: LazyNodes, factory: Factory):
    assert nodes[ua.NodeId(85)].nodeid == ua.NodeId(85)
    assert ua.NodeId(86) not in nodes
    assert factory.made == []


def test_a_node_is_made_once_while_it_is_kept(nodes: LazyNodes, factory: Factory):
    first = nodes[plant_id("n1")]
    assert plant_id("n1") in nodes
    assert nodes.get(plant_id("n1")) is first
    assert factory.made == ["n1"]


def test_unknown_nodes_are_a_key_error_or_the_default(nodes: LazyNodes):
    with pytest.raises(KeyError):
        nodes[plant_id("x")]
    assert nodes.get(plant_id("x")) is None
    assert nodes.get(plant_id("x"), "default") == "default"
    assert nodes.get(ua.NodeId("n1", 2)) is None
    assert nodes.get(ua.NodeId(1, 3)) is None
    assert "n1" not in nodes


def test_the_least_recently_used_node_goes_first(nodes: LazyNodes, factory: Factory):
    for path in ("n0", "n1", "n2", "n3"):
        nodes[plant_id(path)]
    nodes[plant_id("n0")]
    nodes[plant_id("n4")]
    factory.made.clear()
    nodes[plant_id("n0")]
    assert factory.made == []
    nodes[plant_id("n1")]
    assert factory.made == ["n1"]


def test_memory_is_bounded_whatever_is_asked_for(nodes: LazyNodes):
    for number in range(1000):
        nodes[plant_id(f"n{number}")]
    assert nodes.kept == 4


@pytest.mark.parametrize("use", ["callback", "call", "reference"])
def test_a_node_in_use_stays_the_same_object(nodes: LazyNodes, use: str):
    node = nodes[plant_id("n0")]
    if use == "callback":
        node.attributes[VALUE].datachange_callbacks[7] = print
    elif use == "call":
        node.call = print
    else:
        node.references.append(ua.ReferenceDescription())
    for number in range(1, 100):
        nodes[plant_id(f"n{number}")]
    assert nodes[plant_id("n0")] is node


def test_nodes_no_longer_in_use_are_let_go(nodes: LazyNodes):
    for round_ in range(20):
        held = []
        for number in range(10):
            held.append(nodes[plant_id(f"n{round_}.{number}")])
            held[-1].attributes[VALUE].datachange_callbacks[1] = print
        for node in held:
            node.attributes[VALUE].datachange_callbacks.clear()
    assert nodes.kept < 40


def test_nodes_added_by_others_stand_before_the_plants(nodes: LazyNodes):
    other = NodeData(plant_id("alarm"))
    nodes[plant_id("alarm")] = other
    assert nodes[plant_id("alarm")] is other
    del nodes[plant_id("alarm")]
    assert plant_id("alarm") not in nodes


def test_walking_all_nodes_makes_none(nodes: LazyNodes, factory: Factory):
    nodes[plant_id("n0")]
    assert list(nodes) == list(nodes.keys()) == [ua.NodeId(85)]
    assert len(nodes) == 1
    assert factory.made == ["n0"]
