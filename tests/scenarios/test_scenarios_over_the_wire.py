"""Objects/Scenarios as OPC UA clients see it: copies that obey, and a plant that notices nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua

from analytics.errors import ArgumentError
from drivers.readings import now_ticks
from server.config.load import load_plant
from tests.scenarios.conftest import Works, client_of, number, numbers, text, texts
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
COPY = "Scenarios/Scenario1/Hall"
SECOND = 10_000_000


async def test_a_copy_obeys_a_command_and_the_plant_notices_nothing(hall: Works):
    """SourceTimestamps are simulated time: what the data source, which is the model, says of its values (Part 4,
    7.11.3)."""
    before, asked = await hall.read("Hall/Pump/SpeedSetpoint"), hall.written()
    answer = await hall.create(speed=60.0)
    scenario, node, models, reason = (one.Value for one in answer.OutputArguments)
    assert (scenario, node, reason) == ("Scenario1", hall.node_id("Scenarios/Scenario1"), "")
    assert (
        models == ["total (sum, fidelity 0)", "Pump: pump (pump, fidelity 0)", "Pump/Motor: motor (motor, fidelity 1)"]
        or models
    )
    power = await hall.value(f"{COPY}/Pump/Power")
    assert await hall.write(f"{COPY}/Pump/SpeedSetpoint", 1200.0) == "Good"
    slow = await hall.until(f"{COPY}/Pump/Power", lambda now: now < 0.5 * power)
    assert await hall.value(f"{COPY}/Pump/Speed") == 1200.0
    assert await hall.value(f"{COPY}/Total") == pytest.approx(4.0 + slow / 1000.0, rel=1e-5)
    winding = await hall.read(f"{COPY}/Pump/Motor/Winding")
    cooler = await hall.until(f"{COPY}/Pump/Motor/Winding", lambda now: now < winding.Value.Value - 1.0)
    later = await hall.read(f"{COPY}/Pump/Motor/Winding")
    assert later.StatusCode.is_good()
    assert cooler < winding.Value.Value
    assert (later.SourceTimestamp - winding.SourceTimestamp).total_seconds() % 60.0 == pytest.approx(0.0, abs=1e-3)
    assert later.SourceTimestamp > datetime.now(UTC)
    assert await hall.value("Scenarios/Scenario1/SimulatedTime") >= later.SourceTimestamp
    assert await hall.until("Scenarios/Scenario1/RealTimeFactor", lambda now: now > 30.0) <= 60.0

    assert (await hall.read("Hall/Pump/SpeedSetpoint")).Value.Value == before.Value.Value == 2000.0
    assert (await hall.value("Hall/Pump/Power"), await hall.value("Hall/Pump/Speed")) == (8000.0, 2000.0)
    assert hall.device.get(0, ">f4") == 2000.0
    assert hall.written() == asked == 0

    assert (await hall.call("DeleteScenario", text("Scenario1"))).StatusCode.is_good()
    assert (await hall.read(f"{COPY}/Pump/Power")).StatusCode.name == "BadNodeIdUnknown"
    assert (await hall.read(COPY, ua.AttributeIds.BrowseName)).StatusCode.name == "BadNodeIdUnknown"
    assert (await hall.call("DeleteScenario", text("Scenario1"))).StatusCode.name == "BadInvalidArgument"


async def test_limits_interlocks_and_qualities_of_the_original_hold_in_the_copy(hall: Works):
    """What no model gives is the last usable value, and what never had one is not connected (Part 8, 7.3.2)."""
    await hall.create(speed=0.0)
    assert await hall.write(f"{COPY}/Pump/SpeedSetpoint", 400.0) == "BadOutOfRange"
    assert await hall.write(f"{COPY}/Pump/SpeedSetpoint", 1000, ua.VariantType.Int32) == "BadTypeMismatch"
    assert await hall.write(f"{COPY}/Pump/Reset", True, ua.VariantType.Boolean) == "BadNotSupported"
    assert await hall.write(f"{COPY}/Pump/Speed", 1000.0) == "BadNotWritable"
    hall.device.put(6, 5.0, ">f4", table="inputs")
    await hall.until("Hall/Pump/Flow", lambda now: now == 5.0)
    assert await hall.write(f"{COPY}/Pump/SpeedSetpoint", 900.0) == "Good", "the copy has its own flow"
    hall.device.put(6, 80.0, ">f4", table="inputs")
    await hall.until("Hall/Pump/Flow", lambda now: now == 80.0)
    await hall.call("SetSpeed", text("Scenario1"), number(1.0))
    await hall.until(f"{COPY}/Pump/Flow", lambda now: now < 60.0)
    status = {
        name: (await hall.read(f"{COPY}/Pump/{name}")).StatusCode.name
        for name in ("Power", "Speed", "Vibration", "Message", "Missing")
    }
    assert status == {
        "Power": "Good",
        "Speed": "Good",
        "Vibration": "UncertainLastUsableValue",
        "Message": "UncertainLastUsableValue",
        "Missing": "BadNotConnected",
    }
    set_speed = ua.CallMethodRequest(
        hall.node_id(f"{COPY}/Pump/Commands"),
        hall.node_id(f"{COPY}/Pump/SetSpeed"),
        [ua.Variant(500.0, ua.VariantType.Float)],
    )
    (done,) = await hall.client.uaclient.call([set_speed])
    assert done.StatusCode.is_good()
    await hall.until(f"{COPY}/Pump/Flow", lambda now: now < 20.0)
    assert await hall.write(f"{COPY}/Pump/SpeedSetpoint", 2000.0) == "BadInvalidState"
    assert hall.written() == 0


async def test_the_copy_looks_as_the_original_does_and_stands_in_the_folder(hall: Works):
    await hall.create(name="Tomorrow", speed=0.0)

    async def below(path: str) -> dict[str, str]:
        node = hall.client.get_node(hall.node_id(path))
        references = await node.get_references(ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward)
        return {one.BrowseName.Name: one.TypeDefinition.to_string() for one in references}

    assert {"Tomorrow", "CreateScenario", "NodeVersion"} <= (await below("Scenarios")).keys()
    assert {"State", "Speed", "SimulatedTime", "Hall"} <= (await below("Scenarios/Tomorrow")).keys()
    for folder in ("", "/Pump/Telemetry", "/Pump/Commands"):
        original, copy = await below(f"Hall{folder}"), await below(f"Scenarios/Tomorrow/Hall{folder}")
        assert {name for name in original if name not in ("Alarms", "Diagnostics")} == copy.keys()
        assert copy.items() <= original.items()
    pump = hall.client.get_node(hall.node_id("Scenarios/Tomorrow/Hall/Pump"))
    controls = await pump.get_references(ua.ObjectIds.Controls)
    assert [one.NodeId.Identifier for one in controls] == ["Scenarios/Tomorrow/Hall/Pump/Motor"]
    unit = await hall.client.get_node(hall.node_id("Scenarios/Tomorrow/Hall/Pump/Speed.EURange")).read_value()
    assert (unit.Low, unit.High) == (0.0, 3000.0)
    listed = [one.Value for one in (await hall.call("ListScenarios")).OutputArguments]
    assert [column[0] for column in listed[:4]] == ["Tomorrow", hall.node_id("Scenarios/Tomorrow"), "Hall", "Paused"]
    assert await hall.value("Scenarios/Tomorrow/Inputs") == ["Hall/Pump/Speed", "Hall/Outdoor"]
    assert await hall.value("Scenarios/Tomorrow/InputValues") == [2000.0, 20.0]
    conditions = [one.path for one in hall.bridge.alarms.definitions]
    assert "Hall/Pump/HighPower" in conditions
    assert not [path for path in conditions if path.startswith("Scenarios/")]
    await hall.until("Hall/BadTags", lambda now: now == 1)  # that the plant lacks, and none of the copy


WRONG: tuple[tuple[tuple[Any, ...], int, str], ...] = (
    (("Nowhere", "", (), (), 1.0, 0.0), 0, "BadNodeIdUnknown"),
    (("Hall/Pump/Speed", "", (), (), 1.0, 0.0), 0, "BadNodeIdUnknown"),
    (("Scenarios/Other/Hall", "", (), (), 1.0, 0.0), 0, "BadNotSupported"),
    (("Hall", "a/b", (), (), 1.0, 0.0), 1, "BadBrowseNameInvalid"),
    (("Hall", "Other", (), (), 1.0, 0.0), 1, "BadBrowseNameDuplicated"),
    (("Hall", "", ("Pump/Sped",), (1.0,), 1.0, 0.0), 2, "BadNoMatch"),
    (("Hall", "", ("Pump/Speed",), (), 1.0, 0.0), 3, "BadInvalidArgument"),
    (("Hall", "", ("Pump/Speed",), (float("nan"),), 1.0, 0.0), 3, "BadOutOfRange"),
    (("Hall", "", (), (), -1.0, 0.0), 4, "BadOutOfRange"),
    (("Hall", "", (), (), 601.0, 0.0), 4, "BadOutOfRange"),
    (("Hall", "", (), (), 1.0, 3601.0), 5, "BadOutOfRange"),
)
"""Arguments of CreateScenario, which is wrong, and its InputArgumentResult."""


async def test_what_is_asked_for_wrongly_is_refused_with_the_argument_that_is_wrong(hall: Works):
    """Part 4, 5.12.2: Bad_InvalidArgument, and a StatusCode for each argument."""
    await hall.create(name="Other", speed=0.0)
    for (twin, name, names, given, speed, age), index, status in WRONG:
        answer = await hall.call(
            "CreateScenario", text(twin), text(name), texts(*names), numbers(*given), number(speed), number(age)
        )
        assert answer.StatusCode.name == "BadInvalidArgument", (twin, name, names)
        told = [one.name for one in answer.InputArgumentResults]
        assert told == ["Good"] * index + [status] + ["Good"] * (5 - index)
    for name, more in (("DeleteScenario", ()), ("SetSpeed", (number(1.0),)), ("SetInputs", (texts(), numbers()))):
        answer = await hall.call(name, text("Nothing"), *more)
        assert answer.InputArgumentResults[0].name == "BadNodeIdUnknown"
    assert (await hall.call("SetSpeed", text("Other"), number(1e9))).InputArgumentResults[1].name == "BadOutOfRange"
    wrong = await hall.call("SetInputs", text("Other"), texts("Pump/Nothing"), numbers(1.0))
    assert wrong.InputArgumentResults[1].name == "BadNoMatch"
    assert (await hall.call("CreateScenario", text("Hall"))).StatusCode.name == "BadArgumentsMissing"
    assert await hall.write("Scenarios/Other/Speed", 1e9, ua.VariantType.Double) == "BadOutOfRange"
    async with client_of(hall.bridge, "viewer") as client:
        viewer = replace(hall, client=client)
        assert (await viewer.create()).StatusCode.name == "BadUserAccessDenied"
        assert (await viewer.call("DeleteScenario", text("Other"))).StatusCode.name == "BadUserAccessDenied"
        denied = await viewer.write("Scenarios/Other/Hall/Pump/SpeedSetpoint", 900.0)
        assert denied == "BadUserAccessDenied"
        assert (await viewer.call("ListScenarios")).OutputArguments[0].Value == ["Other"]
    nothing = [one.Value for one in (await hall.create("Lamp")).OutputArguments]
    assert nothing[0] == ""
    assert nothing[1].is_null()
    assert nothing[3] == "Lamp and the twins below it have no model; give it one with model: in the plant file"
    motor = [one.Value for one in (await hall.create("Hall/Pump/Motor")).OutputArguments]
    assert motor[0] == ""
    assert "which no model in use gives; take a twin that both belong to, or give it in Names and Values" in motor[3]
    given = [one.Value for one in (await hall.create("Hall/Pump/Motor", shaft_power=2.0)).OutputArguments]
    assert given[0] == "Scenario1", "that cure cures"
    with pytest.raises(ArgumentError, match=r'"Pump/Sped" is no input of the models; there are Pump/Speed'):
        hall.bridge.scenarios.hold("Other", ["Pump/Sped"], [1.0])
    with pytest.raises(ArgumentError, match=r"there is no twin Motor; did you mean Hall/Pump/Motor\?"):
        await hall.bridge.scenarios.create(["Motor", "", [], [], 1.0, 0.0])


async def test_number_size_and_age_are_bounded_and_clients_hear_of_it(hall: Works):
    """A server that sends ModelChangeEvents has a NodeVersion, and changes both together (Part 3, 9.32.2)."""
    versions = [await hall.value("Scenarios.NodeVersion")]
    async with client_of(hall.bridge, "admin") as admin:
        subscription = await admin.create_subscription(50, heard := Heard())
        await subscription.subscribe_events(ua.ObjectIds.Server, [ua.ObjectIds.GeneralModelChangeEventType])
        assert (await hall.create("Hall", "One", age_s=100.0)).StatusCode.is_good()
        versions.append(await hall.value("Scenarios.NodeVersion"))
        assert (await hall.create("", "Two", speed=0.0)).StatusCode.is_good()
        assert (await hall.create(name="Three")).StatusCode.name == "BadTooManyOperations"
        hall.bridge.scenarios.clock = lambda: now_ticks() + 99 * SECOND
        await hall.bridge.scenarios.tend()
        assert [one.copy.id for one in hall.bridge.scenarios.every] == ["One", "Two"]
        hall.bridge.scenarios.clock = lambda: now_ticks() + 101 * SECOND
        await hall.bridge.scenarios.tend()
        assert [one.copy.id for one in hall.bridge.scenarios.every] == ["Two"]
        versions.append(await hall.value("Scenarios.NodeVersion"))
        await until(lambda: len(heard.events) == 3)
        assert [one.Message.Text for one in heard.events] == [
            "Scenario One created", "Scenario Two created", "Scenario One expired",
        ]  # fmt: skip
        change = heard.events[2].Changes[0]
        assert (change.Affected, change.Verb) == (hall.node_id("Scenarios"), 8)
    assert len(set(versions)) == 3
    both = await hall.value("Scenarios/Two/Lamp/Lit")
    assert both == 1.0, "the whole plant was copied"
    assert await hall.value("Scenarios/Two/ExpiresAt") > datetime.now(UTC)


class Heard:
    """Events and values as they came."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.values: list[Any] = []

    def event_notification(self, event: Any) -> None:
        """One more."""
        self.events.append(event)

    def datachange_notification(self, _node: Any, value: Any, data: Any) -> None:
        """One more value, or why there is none."""
        status = data.monitored_item.Value.StatusCode
        self.values.append(value if status.is_good() else status.name)

    def status_change_notification(self, _status: Any) -> None:
        """Of no interest."""


async def test_what_is_given_at_the_start_is_held_and_can_be_changed(hall: Works):
    answer = await hall.create("Hall/Pump", speed=60.0, Speed=1000.0, **{"/Hall__Outdoor": 30.0})
    assert answer.StatusCode.is_good(), answer
    copy = "Scenarios/Scenario1/Pump"
    assert await hall.value(f"{copy}/Speed") == 1000.0
    names, told = [await hall.value(f"Scenarios/Scenario1/{name}") for name in ("Inputs", "InputValues")]
    assert dict(zip(names, told, strict=True)) == {"Hall/Pump/Speed": 1000.0, "Hall/Outdoor": 30.0}
    done = await hall.call(
        "SetInputs",
        text("Scenario1"),
        texts("Speed", "/Hall/Outdoor", "throttle", "Motor/Winding"),
        numbers(2500.0, 40.0, 0.5, 90.0),
    )
    assert done.StatusCode.is_good(), done
    await hall.until(f"{copy}/Speed", lambda now: now == 2500.0)
    assert await hall.until(f"{copy}/Motor/Winding", lambda now: now > 70.0) < 120.0
    (motor,) = hall.bridge.space.twin_of(f"{copy}/Motor").models
    assert motor.inputs["ambient"].constant == pytest.approx(40.0), "analytics of the copy know of it too"
    names, told = [await hall.value(f"Scenarios/Scenario1/{name}") for name in ("Inputs", "InputValues")]
    assert dict(zip(names, told, strict=True)) == {
        "Hall/Pump/Speed": 2500.0,
        "Hall/Outdoor": 40.0,
        "Hall/Pump:throttle": 0.5,  # has been held since then only
    }
    node = hall.client.get_node(hall.node_id("Scenarios/Scenario1/Inputs"))
    (most,) = await node.read_array_dimensions()
    assert most >= len(names), "Part 3, 5.6.2: it is the maximum"


async def test_analytics_work_on_the_copy_and_learn_nothing_from_it(hall: Works):
    await hall.create(speed=10.0)
    await hall.until("Scenarios/Scenario1/SimulatedTime", lambda now: now > datetime.now(UTC))

    async def call(name: str, *arguments: ua.Variant) -> dict[str, Any]:
        request = ua.CallMethodRequest(
            hall.node_id(f"{COPY}/Analytics"), hall.node_id(f"{COPY}/{name}"), list(arguments)
        )
        (answer,) = await hall.client.uaclient.call([request])
        assert answer.StatusCode.is_good(), (name, answer)
        names = [one.Name for one in await hall.value(f"{COPY}/{name}.OutputArguments")]
        return dict(zip(names, (one.Value for one in answer.OutputArguments), strict=True))

    null = ua.Variant(ua.uatypes.win_epoch_to_datetime(0), ua.VariantType.DateTime)
    found = await call(
        "Simulate", texts("Pump/SpeedSetpoint"), numbers(1000.0), null, number(60.0), number(0.0), text()
    )
    assert found["Valid"], found["Reason"]
    assert found["KpiDifferences"][0] < 0
    healthy = await call("GetHealth")
    assert "Pump/Vibration" not in healthy.get("WorstSignals", [])
    methods = [one.name for one in hall.bridge.space._analytics_methods(hall.bridge.space.twin_of(COPY))]
    assert {"Simulate", "Predict", "GetHealth"} <= set(methods)
    trained = {"TrainModel", "ActivateModel", "LabelEvent", "TrainFleet", "Calibrate", "DetectAnomalies"}
    assert not trained & set(methods)
    assert not {"ApplyProposal", "PredictRemainingUsefulLife", "CheckDataQuality"} & set(methods), "that cannot work"


async def test_setpoints_are_optimised_on_a_copy_however_fast_and_nothing_reaches_the_plant(hall: Works):
    await hall.create(speed=600.0)
    before, proposals = hall.written(), hall.bridge.advice.book.twins
    request = ua.CallMethodRequest(
        hall.node_id(f"{COPY}/Analytics"),
        hall.node_id(f"{COPY}/OptimizeSetpoints"),
        [text(), texts("Pump/SpeedSetpoint 500..3000"), texts("Pump/Flow >= 30"), number(0.0)],
    )
    (answer,) = await hall.client.uaclient.call([request])
    assert answer.StatusCode.is_good(), answer
    names = [one.Name for one in await hall.value(f"{COPY}/OptimizeSetpoints.OutputArguments")]
    job = answer.OutputArguments[names.index("JobId")].Value.Identifier
    await hall.until(f"{job}/CurrentState", lambda now: now.Text == "Halted", 30.0)
    found = {name: await hall.value(f"{job}/Result/{name}") for name in names if name != "JobId"}
    assert found["Valid"], found["Reason"]
    assert found["Proposed"][0] < found["Current"][0]
    assert "nothing tells how far the models are from the plant" in found["Reason"]
    assert (found["ProposalId"], hall.bridge.advice.book.twins) == ("", proposals)
    assert hall.written() == before


async def test_a_scenario_goes_on_while_the_plant_file_is_taken_over(hall: Works):
    await hall.create(speed=60.0)
    added = "{scope: asset, connection: device, telemetry: {New: {<<: *tag, point: {table: input, address: 14}}}}"
    written = hall.file.read_text()
    hall.file.write_text(written.replace("  Lamp:\n", f"  Added: {added}\n  Lamp:\n"))
    change = await hall.bridge.adopt(load_plant(hall.file))
    assert (change.removed, change.added > 0) == (0, True)
    await hall.until("Added/New", lambda now: now == 1.0)
    assert await hall.write(f"{COPY}/Pump/SpeedSetpoint", 1100.0) == "Good"
    now = await hall.value("Scenarios/Scenario1/SimulatedTime")
    await hall.until("Scenarios/Scenario1/SimulatedTime", lambda later: later > now)
    await hall.until(f"{COPY}/Pump/Speed", lambda now: now == 1100.0)
    assert (await hall.create("Added", "More")).OutputArguments[0].Value == ""
    assert (await hall.create("", "More")).OutputArguments[0].Value == "More"
    assert await hall.value("Scenarios/More/Added/New") == 1.0
    hall.file.write_text(written)
    await hall.bridge.adopt(load_plant(hall.file))
    assert await hall.value("Scenarios/More/Added/New") == 1.0, "the copy stays when its original goes"
    assert hall.written() == 0


async def test_creating_and_deleting_for_years_does_not_grow_the_table(hall: Works):
    async def cycle() -> None:
        scenario = await hall.bridge.scenarios.create(["Hall", "", [], [], 0.0, 0.0])
        await hall.bridge.scenarios.delete(scenario.copy.id)

    await cycle()
    assert hall.bridge.scenarios.every == []
    rows, known = len(hall.bridge.table), len(hall.bridge.space._index.rows)
    for _ in range(200):
        await cycle()
    assert len(hall.bridge.table) == len(hall.bridge.plant.tags) == rows
    assert len(hall.bridge.space._index.rows) == known
    assert not [path for path in hall.bridge._offers._known if path.startswith("Scenarios/")]


async def test_a_client_that_still_watches_a_deleted_scenario_is_not_shown_another_one(hall: Works):
    await hall.create(speed=0.0)
    handles = await hall.client.register_nodes([hall.client.get_node(hall.node_id(f"{COPY}/Pump/Flow"))])
    subscription = await hall.client.create_subscription(20, heard := Heard())
    await subscription.subscribe_data_change(hall.client.get_node(hall.node_id(f"{COPY}/Pump/Speed")))
    await until(lambda: heard.values == [2000.0])
    assert await hall.value(f"{COPY}/Pump/Speed") == 2000.0
    await hall.call("DeleteScenario", text("Scenario1"))
    await until(lambda: heard.values == [2000.0, "BadNodeIdUnknown"])
    held = hall.bridge.server.held_rows()
    await hall.create(name="Scenario1", speed=0.0, Pump__Speed=700.0)
    assert await hall.value(f"{COPY}/Pump/Speed") == 700.0, "the same NodeId, which now is another row"
    shown = {hall.bridge.space.row_of(hall.node_id(f"{COPY}/Pump/{name}")) for name in ("Speed", "Flow")}
    assert len(held) == 2
    assert not held & shown
    (old,) = await hall.client.uaclient.read_attributes([handles[0].nodeid], ua.AttributeIds.Value)
    assert old.StatusCode.name == "BadNodeIdUnknown"
    assert heard.values == [2000.0, "BadNodeIdUnknown"]
