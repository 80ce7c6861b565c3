"""Optimise, approve, see the command reach the device and the saving appear: as an OPC UA client sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asyncua import ua

from server.config.load import load_plant
from tests.advice.conftest import A
from tests.analysis.conftest import Hall, client_of, text, texts
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.pump_hall import put_running, remember, works
from tests.simulators.waiting import until

NONE = ua.Variant(0.0, ua.VariantType.Double)
EMPTY = (text(), texts(), texts(), NONE)


@pytest.fixture
def running_device(device: ModbusDevice) -> ModbusDevice:
    put_running(device)
    return device


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


async def status_of(plant: Hall, path: str) -> str:
    """The name of the StatusCode of a value."""
    return str((await plant.read(path)).StatusCode.name)


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


async def test_what_is_halted_leaves_no_proposal_and_a_reload_may_take_the_command_of_one(
    tmp_path: Path, running_device: ModbusDevice
) -> None:
    """Part 10, 5.2.1: Halt."""
    async with works(tmp_path, running_device) as bridge, client_of(bridge, "operator") as client:
        plant = Hall(bridge, client)
        job = (await called(plant, "Hall/OptimizeSetpoints", *EMPTY))[1]["JobId"].Identifier
        assert (await plant.call(f"{job}/Halt")).StatusCode.is_good()
        assert await plant.state(job) == "Halted"
        assert (await plant.results("Hall/ListProposals", text()))["ProposalIds"] == []
        assert await plant.value("Hall/LastProposal") == ""

        first = (await plant.results("Hall/OptimizeSetpoints", *EMPTY))["ProposalId"]
        assert (await called(plant, "Hall/ApplyProposal", text(first)))[1]["State"] == "Applied"
        for name in ("A", "B"):
            await client.get_node(plant.node_id(f"Hall/{name}/SpeedSetpoint")).write_value(2000.0, ua.VariantType.Float)
        said = await plant.results("Hall/OptimizeSetpoints", *EMPTY)
        assert {one.rpartition("/")[0] for one in said["Commands"]} == {"Hall/A", "Hall/B"}
        file = tmp_path / "plant.yaml"
        was = file.read_text()
        alone = was.replace("      B: {type: Pump, with: {at: 10}}\n", "")
        alone = alone.replace("        B/SpeedSetpoint: {low: 1000, high: 2800, step: 200}\n", "")
        file.write_text(alone.replace('"B/Flow >= 30", ', ""))
        await bridge.adopt(load_plant(file))
        await plant.until(lambda: status_of(plant, A), "Good")
        assert (await called(plant, "Hall/ApplyProposal", text(said["ProposalId"])))[0] == "BadInvalidState"
        told = await plant.results("Hall/GetProposal", text(said["ProposalId"]))
        assert (told["State"], told["Reason"]) == ("Refused", "the plant has no command Hall/B/SpeedSetpoint any more")
        assert running_device.get(0, ">f4") == 2000.0, "nothing was written"
        await bridge.advice.savings.count()
        assert await plant.value("Hall/PowerSaved") == 0.0, "what is left is still counted"

        file.write_text(alone.partition("twins:")[0] + "twins:\n  Yard: {scope: system}\n")
        await bridge.adopt(load_plant(file))
        assert (await called(plant, "Hall/ApplyProposal", text(said["ProposalId"])))[0] == "BadNodeIdUnknown"
        await bridge.advice.savings.count()
        file.write_text(was)
        await bridge.adopt(load_plant(file))
        assert (await plant.results("Hall/ListProposals", text()))["ProposalIds"] == [said["ProposalId"], first]
