"""Optimise, approve, see the command reach the device and the saving appear: as an OPC UA client sees it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from analytics.simulation.kinds import KINDS
from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from server.app import Bridge
from server.config.load import load_plant
from server.security.users import add_user
from server.services.options import UaServerOptions
from tests.advice.conftest import PLANT, SECOND, A
from tests.analysis.conftest import PASSWORD, USERS, Hall, client_of, text, texts
from tests.simulators.bridge import at_work
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until

AIM = """
      constraints: ["A/Flow >= 40", "B/Flow >= 30", "C/Flow >= 30"]
"""
NONE = ua.Variant(0.0, ua.VariantType.Double)
EMPTY = (text(), texts(), texts(), NONE)


def plant_of(folder: Path, device: ModbusDevice, mode: str = "supervised") -> Path:
    told = PLANT.format(port=device.port, mode=mode).replace("      every_s: 60\n", f"      every_s: 60{AIM}")
    (folder / "plant.yaml").write_text(told)
    return folder / "plant.yaml"


@asynccontextmanager
async def works(folder: Path, device: ModbusDevice, mode: str = "supervised") -> AsyncIterator[Bridge]:
    """The whole bridge, once the device is read."""
    users = folder / "users.yaml"
    if not users.exists():
        for name, role in USERS.items():
            await asyncio.to_thread(add_user, users, name, PASSWORD, [role])
    options = UaServerOptions(folder / "pki", "opc.tcp://127.0.0.1:0/works", users_file=users)
    async with at_work(Bridge(load_plant(plant_of(folder, device, mode)), options)) as bridge:
        rows = [bridge.space.row_of(bridge.space.node_id(f"Hall/{pump}/Speed")) for pump in "ABC"]
        await until(lambda: not bridge.table.status[rows].any())
        remember(bridge)
        yield bridge


@pytest.fixture
def running_device(device: ModbusDevice) -> ModbusDevice:
    """All pumps at 2000 rpm."""
    for at in (0, 10, 20):
        for offset, value in enumerate(pump_at(2000.0).values()):
            device.put(at + 2 * offset, value, ">f4", table="inputs")
    return device


def pump_at(speed: float) -> dict[str, float]:
    """What the instruments of a pump show by its model: kW and m3/h."""
    pump = KINDS["pump"]
    parameters = {**pump.defaults(), "shutoff": 52.0, "rated_speed": 3000.0}
    inputs = {port.name: port.default or 0.0 for port in pump.inputs} | {"speed": speed}
    said = pump.compute(0.0, {}, inputs, parameters)
    return {"Speed": speed, "Flow": float(said["flow"]), "Power": float(said["power"])}


def remember(bridge: Bridge, power: float = 1.0) -> None:
    """An hour in which all pumps ran up and down around 2000 rpm. power: what they took, as a share of what their
    models say."""
    seconds = np.arange(-3600.0, 0.0, 10.0)
    now = now_ticks()
    for name in "ABC":
        shown = [pump_at(2000.0 + 100.0 * math.sin(at / 300.0)) for at in seconds]
        for tag, factor in (("Speed", 1.0), ("Flow", 1.0), ("Power", power)):
            row = bridge.space.row_of(bridge.space.node_id(f"Hall/{name}/{tag}"))
            values = [factor * one[tag] for one in shown]
            ticks = now + np.round(seconds * SECOND).astype(np.int64)
            rows, status = np.full(len(ticks), row, np.int32), np.zeros(len(ticks), np.uint32)
            bridge.table.commit(Readings(rows, to_cells(values, DataType.Float), status, ticks))


class Heard:
    """Messages of events with their severity."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []

    def event_notification(self, event: Any) -> None:
        self.events.append((event.Message.Text, event.Severity))


async def called(plant: Hall, path: str, *arguments: ua.Variant) -> tuple[str, dict[str, Any]]:
    """The StatusCode of a call, and its outputs by name."""
    answer = await plant.call(path, *arguments)
    if not answer.StatusCode.is_good():
        return answer.StatusCode.name, {"arguments": [one.name for one in answer.InputArgumentResults]}
    names = [one.Name for one in await plant.value(f"{path}.OutputArguments")]
    return "Good", {name: one.Value for name, one in zip(names, answer.OutputArguments, strict=True)}


async def test_the_loop_is_closed(tmp_path: Path, running_device: ModbusDevice) -> None:
    device = running_device
    async with works(tmp_path, device) as bridge, client_of(bridge, "operator") as client:
        plant, heard = Hall(bridge, client), Heard()
        subscription = await client.create_subscription(50, heard)
        await subscription.subscribe_events(client.nodes.server)
        said = await plant.results("Hall/OptimizeSetpoints", *EMPTY)
        assert said["Valid"], said["Reason"]
        assert (said["ProposalId"], said["Names"]) == ("Proposal-1", ["A/SpeedSetpoint", "B/SpeedSetpoint"])
        assert await plant.value("Hall/LastProposal") == "Proposal-1"
        assert device.get(0, ">f4") == 2000.0, "a proposal writes nothing"

        for user in ("viewer", ""):
            async with client_of(bridge, user) as other:
                status, _ = await called(Hall(bridge, other), "Hall/ApplyProposal", text("Proposal-1"))
                assert status == "BadUserAccessDenied"
                listed = await Hall(bridge, other).results("Hall/ListProposals", text())
                assert listed["States"] == ["Open"]
        status, more = await called(plant, "Hall/ApplyProposal", text("Proposal-2"))
        assert (status, more["arguments"]) == ("BadInvalidArgument", ["BadNoMatch"])

        status, done = await called(plant, "Hall/ApplyProposal", text("Proposal-1"))
        assert (status, done["State"], done["Valid"], set(done["Statuses"])) == ("Good", "Applied", True, {"Good"})
        for at, name in ((0, "A"), (10, "B")):
            speed = said["Proposed"][said["Names"].index(f"{name}/SpeedSetpoint")]
            assert device.get(at, ">f4") == pytest.approx(speed)
            assert await plant.value(f"Hall/{name}/SpeedSetpoint") == pytest.approx(speed)
        assert (await called(plant, "Hall/ApplyProposal", text("Proposal-1")))[0] == "BadInvalidState", "not twice"
        await until(lambda: any("was not applied for operator: it is Applied" in one for one, _ in heard.events))
        assert any(
            "Proposal-1 of Hall was applied by operator" in one and "is to save" in one for one, _ in heard.events
        )

        await bridge.advice.savings.count()
        saved = (await plant.read("Hall/PowerSaved")).Value.Value
        assert saved == pytest.approx(said["Saving"], rel=1e-3), "a steady state, for an hour"
        assert (await plant.read("Hall/A/PowerSaved")).StatusCode.name == "BadNotConnected"
        for path in (A, "Hall/B/SpeedSetpoint"):
            await client.get_node(plant.node_id(path)).write_value(2000.0, ua.VariantType.Float)
        await bridge.advice.savings.count()
        assert await plant.value("Hall/PowerSaved") == 0.0


async def test_the_mode_is_shown_and_set_by_who_may(tmp_path: Path, running_device: ModbusDevice) -> None:
    """Part 8, 5.3.3.3: MultiStateDiscreteType, an unsigned integer with EnumStrings."""
    device = running_device
    async with works(tmp_path, device, "advisory") as bridge, client_of(bridge, "operator") as client:
        plant = Hall(bridge, client)
        mode = client.get_node(plant.node_id("Hall/OptimizationMode"))
        assert (await mode.read_type_definition()).Identifier == ua.ObjectIds.MultiStateDiscreteType
        names = await (await mode.get_child("0:EnumStrings")).read_value()
        assert [one.Text for one in names] == ["advisory", "supervised", "autonomous"]
        assert (await plant.value("Hall/OptimizationMode"), await plant.value("Hall/ModeReason")) == (
            0, "as the plant file says",
        )  # fmt: skip
        said = await plant.results("Hall/OptimizeSetpoints", *EMPTY)
        assert (await called(plant, "Hall/ApplyProposal", text(said["ProposalId"])))[0] == "BadInvalidState"
        assert (await called(plant, "Hall/SetOptimizationMode", text("autonomous")))[0] == "BadUserAccessDenied"
        status, more = await called(plant, "Hall/SetOptimizationMode", text("automatic"))
        assert (status, more["arguments"]) == ("BadInvalidArgument", ["BadNoMatch"])
        assert (await called(plant, "Hall/SetOptimizationMode", text("supervised")))[1]["ModeBefore"] == "advisory"
        assert (await called(plant, "Hall/ApplyProposal", text(said["ProposalId"])))[1]["State"] == "Applied"
        async with client_of(bridge, "engineer") as other:
            engineer = Hall(bridge, other)
            assert (await called(engineer, "Hall/A/SetOptimizationMode", text("autonomous")))[1]["Valid"] is False
            assert (await called(engineer, "Hall/SetOptimizationMode", text("autonomous")))[1]["Valid"] is True
        told = await plant.results("Hall/GetOptimization")
        assert (told["Mode"], told["Every"], told["Constraints"][0]) == ("autonomous", 60.0, "A/Flow >= 40")
        await client.get_node(plant.node_id(A)).write_value(2100.0, ua.VariantType.Float)
        assert await plant.value("Hall/OptimizationMode") == 1, "an operator took over"
        assert "operator took over" in await plant.value("Hall/ModeReason")

        text_of = (tmp_path / "plant.yaml").read_text()
        (tmp_path / "plant.yaml").write_text(text_of.replace("low: 1000", "low: 1100"))
        await bridge.adopt(load_plant(tmp_path / "plant.yaml"))
        assert (await plant.results("Hall/GetOptimization"))["Low"] == [1100.0, 1100.0]
        assert await plant.value("Hall/OptimizationMode") == 1


async def test_the_server_acts_by_itself_while_the_models_follow_the_plant(
    tmp_path: Path, running_device: ModbusDevice
) -> None:
    device = running_device
    async with works(tmp_path, device, "autonomous") as bridge, client_of(bridge, "viewer") as client:
        plant = Hall(bridge, client)
        await bridge.advice.autopilot.look("Hall")
        assert await plant.value("Hall/ModeReason") == "as the plant file says"
        assert device.get(0, ">f4") == pytest.approx(1800.0), "one step of its limits"
        assert device.get(10, ">f4") == pytest.approx(1800.0)
        assert await plant.value("Hall/LastProposal") == "Proposal-1"
        listed = await plant.results("Hall/ListProposals", text("Applied"))
        assert listed["AskedBy"] == ["uatwin"]
        remember(bridge, power=1.3)
        await bridge.advice.autopilot.look("Hall")
        assert await plant.value("Hall/OptimizationMode") == 1
        assert "the model drifts: the model of A/Power is off by -" in await plant.value("Hall/ModeReason")
        assert device.get(0, ">f4") == pytest.approx(1800.0)
