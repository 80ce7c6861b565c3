from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from asyncua import ua

from server.address_space import AddressSpaceError, MethodView, TwinSpace
from server.config.plant import CommandMethod, Plant, Relation, Scope, Twin
from tests.simulators.plants import PlantBuilder, small_plant, table_for

FEATURES = MethodView("ExtractFeatures", "Statistics of a window")
PUMP = "Cooling/Loop1/Pump1"


def space_of(plant: Plant) -> TwinSpace:
    def analytics_methods(_twin: Twin) -> Sequence[MethodView]:
        return (FEATURES,)

    return TwinSpace(plant, table_for(plant), analytics_methods)


@pytest.fixture(scope="module")
def plant() -> Plant:
    return small_plant()


@pytest.fixture(scope="module")
def space(plant: Plant) -> TwinSpace:
    return space_of(plant)


def test_every_tag_is_found_by_its_node_id(plant: Plant, space: TwinSpace):
    for tag in plant.tags:
        assert space.row_of(space.node_id(tag.path)) == tag.row
        assert space.tag_of(tag.row) is tag


def test_whatever_is_no_tag_has_no_row(space: TwinSpace):
    others = [PUMP, f"{PUMP}/Telemetry", f"{PUMP}/Speed.EURange", f"{PUMP}/Start", "Twins", "no/such/thing"]
    assert [space.row_of(space.node_id(path)) for path in others] == [-1] * len(others)
    assert space.row_of(ua.NodeId(f"{PUMP}/Speed", 2)) == -1
    assert space.row_of(ua.NodeId(2258)) == -1
    assert space.row_of(ua.NodeId(2258, 3)) == -1


def test_rows_of_many_come_as_one_column(space: TwinSpace):
    node_ids = [space.node_id(f"{PUMP}/Speed"), space.node_id(PUMP), space.node_id(f"{PUMP}/Mode")]
    rows = space.rows_of(node_ids)
    assert rows.dtype == "int32"
    assert rows.tolist() == [space.row_of(node_ids[0]), -1, space.row_of(node_ids[2])]
    assert space.rows_of([]).tolist() == []


def test_twins_are_found_by_path(plant: Plant, space: TwinSpace):
    for twin in plant.walk():
        assert space.twin_of(twin.path) is twin
    assert space.twin_of(f"{PUMP}/Speed") is None


def test_methods_are_found_with_their_twin(space: TwinSpace):
    twin, view = space.method_of(space.node_id(f"{PUMP}/ExtractFeatures")) or (None, None)
    assert twin is space.twin_of(PUMP)
    assert view is FEATURES
    twin, command = space.method_of(space.node_id(f"{PUMP}/SetSpeed")) or (None, None)
    assert twin is space.twin_of(PUMP)
    assert isinstance(command, CommandMethod)
    assert command.name == "SetSpeed"
    for path in (PUMP, f"{PUMP}/Speed", f"{PUMP}/NoSuch", "Twins", "ExtractFeatures"):
        assert space.method_of(space.node_id(path)) is None
    assert space.method_of(ua.NodeId(f"{PUMP}/SetSpeed", 2)) is None
    assert space.method_of(ua.NodeId(5, 3)) is None


def test_node_ids_stay_the_same_when_the_plant_changes_elsewhere(plant: Plant, space: TwinSpace):
    build = PlantBuilder("Cooling")
    extra = build.twin("Extra", Scope.asset, telemetry=[build.tag("Extra", "First")])
    shifted = [dataclasses.replace(tag, row=tag.row + 1) for tag in plant.tags]
    grown = dataclasses.replace(plant, twins=(extra, *plant.twins), tags=(*build.tags, *shifted))
    again = space_of(grown)
    for tag in plant.tags:
        node_id = space.node_id(tag.path)
        assert again.node_id(tag.path) == node_id
        assert again.row_of(node_id) == tag.row + 1


def refused(plant: Plant) -> str:
    with pytest.raises(AddressSpaceError) as caught:
        space_of(plant)
    return str(caught.value)


@pytest.mark.parametrize("name", ["Telemetry", "Commands", "Analytics", "ExtractFeatures", "Bearing"])
def test_two_nodes_with_one_path_are_refused(name: str):
    build = PlantBuilder()
    bearing = build.twin("Pump/Bearing", Scope.component)
    pump = build.twin("Pump", Scope.asset, telemetry=[build.tag("Pump", name)], children=[bearing])
    message = refused(build.plant(pump))
    assert message.startswith(f"Pump/{name}: two nodes")


def test_a_tag_and_a_command_of_one_name_are_refused():
    build = PlantBuilder()
    tags = [build.tag("Pump", "Speed")], [build.command("Pump", "Speed")]
    pump = build.twin("Pump", Scope.asset, telemetry=tags[0], commands=tags[1])
    assert refused(build.plant(pump)).startswith("Pump/Speed: two nodes")


@pytest.mark.parametrize("name", ["Twins", "Connections"])
def test_a_root_twin_cannot_have_the_name_of_a_standard_folder(name: str):
    build = PlantBuilder()
    assert f"{name}: two nodes" in refused(build.plant(build.twin(name, Scope.process)))


def test_a_relation_of_an_unknown_type_is_refused():
    build = PlantBuilder()
    pump = build.twin("Pump", Scope.asset, relations=[Relation("Feeds", "Pump")])
    assert refused(build.plant(pump)).startswith("Pump: relation 'Feeds' is no standard ReferenceType")


def test_a_relation_that_leads_nowhere_is_refused():
    build = PlantBuilder()
    pump = build.twin("Pump", Scope.asset, relations=[Relation("Controls", "Tank")])
    assert refused(build.plant(pump)) == "Pump: Controls leads to 'Tank', which is neither a twin nor a tag"


def test_an_identification_value_of_the_wrong_type_is_refused():
    build = PlantBuilder()
    pump = build.twin("Pump", Scope.asset, identification={"YearOfConstruction": "old"})
    assert refused(build.plant(pump)).startswith("Pump: identification: YearOfConstruction: 'old' is not")


def test_an_unknown_unit_is_refused_with_the_nearest():
    build = PlantBuilder()
    pump = build.twin("Pump", Scope.asset, telemetry=[build.tag("Pump", "Speed", unit="rpm")])
    message = refused(build.plant(pump))
    assert message.startswith("Pump/Speed: unit 'rpm'")
    assert "RPM" in message
