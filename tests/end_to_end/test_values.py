"""What an OPC UA client sees of the demo: the tree, values of three protocols at four scopes, units, ranges, states."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from asyncua import Client, Node, ua

from server.config.load import load_plant
from tests.simulators.demo_run import Seat, Uatwin, seat

BY_SCOPE_AND_PROTOCOL = (
    ("process", "Modbus", "CoolingLoad"),
    ("process", "MQTT", "TotalPower"),
    ("process", "CoAP", "OutdoorTemperature"),
    ("system", "Modbus", "PrimaryLoop/Flow"),
    ("system", "MQTT", "SecondaryLoop/Power"),
    ("system", "CoAP", "SecondaryLoop/Conductivity"),
    ("asset", "Modbus", "PrimaryLoop/Pump1/Power"),
    ("asset", "MQTT", "SecondaryLoop/CoolingTower/OutletTemperature"),
    ("asset", "CoAP", "SecondaryLoop/Tank/Level"),
    ("component", "Modbus", "PrimaryLoop/Pump1/Motor/Load"),
    ("component", "MQTT", "PrimaryLoop/Pump1/DriveEndBearing/Vibration"),
    ("component", "CoAP", "SecondaryLoop/Tank/MakeUpValve/Position"),
)
PATHS = [path for _, _, path in BY_SCOPE_AND_PROTOCOL]


class Changes:
    """What a subscription reports."""

    def __init__(self) -> None:
        self.by_node: dict[ua.NodeId, list[ua.DataValue]] = {}

    def datachange_notification(self, node: Node, value: object, data: object) -> None:
        self.by_node.setdefault(node.nodeid, []).append(data.monitored_item.Value)  # type: ignore[attr-defined]


async def _types_below_twins(client: Client) -> dict[str, str]:
    """BrowseName of each twin's type definition by the twin's NodeId, for all twins."""
    found: dict[str, str] = {}

    async def walk(node: Node) -> None:
        for one in await node.get_children_descriptions(nodeclassmask=ua.NodeClass.Object):
            kind = (await client.get_node(one.TypeDefinition).read_browse_name()).Name
            if kind.endswith("TwinType"):
                found[one.NodeId.Identifier] = kind
                await walk(client.get_node(one.NodeId))

    types = await client.get_namespace_index("urn:uatwin:types")
    await walk(await client.nodes.objects.get_child(f"{types}:Twins"))
    return found


async def test_every_tag_is_good_within_a_minute_of_typing_the_command(running: Uatwin) -> None:
    with_devices = [f"/{tag.path}" for tag in load_plant(_plant_file()).tags if tag.connection is not None]
    async with seat(running.endpoint) as client:
        while True:
            not_good = [
                f"{path}: {answer.StatusCode.name}"
                for path, answer in zip(with_devices, await client.read(*with_devices), strict=True)
                if not answer.StatusCode.is_good()
            ]
            if not not_good:
                break
            assert time.monotonic() - running.begun < 60, not_good
            await asyncio.sleep(0.2)


async def test_browsing_finds_the_process_its_systems_assets_and_components(running: Uatwin) -> None:
    async with seat(running.endpoint) as client:
        kinds = await _types_below_twins(client.client)
    assert kinds["Cooling"] == "ProcessTwinType"
    assert kinds["Cooling/PrimaryLoop"] == kinds["Cooling/SecondaryLoop"] == "SystemTwinType"
    assert kinds["Cooling/PrimaryLoop/Pump1"] == "AssetTwinType"
    assert kinds["Cooling/PrimaryLoop/Pump1/DriveEndBearing"] == "ComponentTwinType"
    counts = {kind: list(kinds.values()).count(kind) for kind in set(kinds.values())}
    assert counts == {"ProcessTwinType": 1, "SystemTwinType": 2, "AssetTwinType": 7, "ComponentTwinType": 21}


async def test_values_of_all_protocols_change_at_all_scopes_with_their_quality_and_time(running: Uatwin) -> None:
    changes = Changes()
    async with seat(running.endpoint) as client:
        subscription = await client.client.create_subscription(500, changes)
        await subscription.subscribe_data_change([client.client.get_node(client.node_id(path)) for path in PATHS])

        def unchanged() -> list[str]:
            seen = {path: changes.by_node.get(client.node_id(path), []) for path in PATHS}
            return [path for path, values in seen.items() if len({value.Value.Value for value in values}) < 3]

        end = time.monotonic() + 30
        while waiting_for := unchanged():
            assert time.monotonic() < end, waiting_for
            await asyncio.sleep(0.2)
        await subscription.delete()
    for path, values in ((path, changes.by_node[client.node_id(path)]) for path in PATHS):
        assert all(value.StatusCode.is_good() for value in values), path
        times = [value.SourceTimestamp for value in values]
        assert times == sorted(times), path
        assert abs(datetime.now(UTC) - times[-1]) < timedelta(seconds=15), path


@pytest.mark.parametrize(
    ("path", "low", "high", "unit"),
    [
        ("PrimaryLoop/Pump1/Flow", 0.0, 250.0, "m³/h"),
        ("PrimaryLoop/Pump1/DriveEndBearing/Vibration", 0.0, 20.0, "mm/s"),
        ("SecondaryLoop/Tank/Level", 0.0, 100.0, "%"),
        ("PrimaryLoop/Pump1/SpeedSetpoint", 0.0, 3000.0, "r/min"),
    ],
)
async def test_an_analog_tag_tells_its_range_and_unit(
    running: Uatwin, path: str, low: float, high: float, unit: str
) -> None:
    async with seat(running.endpoint) as client:
        assert await client.value(f"{path}.EURange") == ua.Range(low, high)
        units = await client.value(f"{path}.EngineeringUnits")
    assert isinstance(units, ua.EUInformation)
    assert units.NamespaceUri == "http://www.opcfoundation.org/UA/units/un/cefact"
    assert units.DisplayName.Text == unit


async def test_discrete_tags_tell_the_names_of_their_states(running: Uatwin) -> None:
    async with seat(running.endpoint) as client:
        names = await client.value("PrimaryLoop/Pump1/State.EnumStrings")
        assert isinstance(names, list)
        assert [name.Text for name in names] == ["Stopped", "Starting", "Running", "Stopping", "Tripped"]
        assert names[await _number(client, "PrimaryLoop/Pump1/State")].Text == "Running"
        standing = await client.value("PrimaryLoop/Pump1/Running.FalseState")
        turning = await client.value("PrimaryLoop/Pump1/Running.TrueState")
        assert (standing.Text, turning.Text) == ("Standing", "Turning")  # type: ignore[attr-defined]
        assert await client.value("PrimaryLoop/Pump1/Running") is True


async def test_a_machine_tells_who_made_it(running: Uatwin) -> None:
    async with seat(running.endpoint) as client:
        names = ("Manufacturer", "Model", "SerialNumber", "YearOfConstruction")
        told = [await client.value(f"PrimaryLoop/Pump2/Identification/{name}") for name in names]
    assert [getattr(one, "Text", one) for one in told] == ["Kreisel Pumpen", "KP-80", "KP-2019-042", 2019]


async def test_connections_tell_how_they_are(running: Uatwin) -> None:
    async with seat(running.endpoint) as client:
        for name in ("drives", "controller", "broker", "station"):
            assert await _number(client, f"/Connections/{name}/State") == 2
        assert await _number(client, "/Connections/drives/Requests") > 0
        assert await client.value("GoodFraction") == 100.0


async def _number(client: Seat, path: str) -> int:
    value = await client.value(path)
    assert isinstance(value, int)
    return value


def _plant_file() -> Path:
    return Path(str(files("server.demo").joinpath("plant.yaml")))
