"""The server acts by itself within the limits, and stops doing so for good."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from analytics.catalog import CATALOG
from analytics.errors import NotAvailable, WorkerDied
from drivers.status import Status
from server.advice.autopilot import OPTIMIZE, USER
from server.advice.desk import NotAllowed
from server.advice.notices import FELL_BACK
from tests.advice.conftest import ENGINEER, OPERATOR, A, B, Hall, hall
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until


def following(_twin: Any, _arguments: Any) -> tuple[Any, ...]:
    return True, "", True, ""


def proposing(it: Hall, proposed: dict[str, float], saving: float = 2.0, low: float = 1.0) -> Any:
    """An answer of OptimizeSetpoints."""

    def answer(_twin: Any, _arguments: Any) -> Sequence[Any]:
        said = {**it.said(proposed, saving, low), "ProposalId": it.propose(proposed, saving, low)}
        return (*(said.get(one.name, []) for one in CATALOG[OPTIMIZE].own), True, "")

    return answer


def ready(it: Hall, proposed: dict[str, float], **more: float) -> None:
    it.answers = {"Following": following, OPTIMIZE: proposing(it, proposed, **more)}


async def test_it_applies_within_its_limits_and_asks_for_one_step_at_most(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device, "autonomous") as it:
        assert (it.mode, it.shown("OptimizationMode"), it.shown("ModeReason")) == (
            "autonomous", 2, "as the plant file says",
        )  # fmt: skip
        assert it.advice.autopilot.due(100.0) == []
        assert (it.advice.autopilot.due(159.0), it.advice.autopilot.due(160.0)) == ([], ["Hall"])
        ready(it, {A: 1850.0, B: 2100.0})
        await it.advice.autopilot.look("Hall")
        assert it.asked[1] == (
            OPTIMIZE,
            ["", ["A/SpeedSetpoint 1800..2200", "B/SpeedSetpoint 1800..2200"], [], 0.0],
        )
        assert it.holds(1850.0, 2100.0)
        assert {one.user for one in it.bridge.audits} == {USER}
        ready(it, {A: 1650.0}, low=-0.1)
        await it.advice.autopilot.look("Hall")
        assert it.holds(1850.0, 2100.0), "it is not certain that it saves anything"
        assert "not certain" in it.shown("ModeReason")
        ready(it, {A: 1600.0})
        await it.advice.autopilot.look("Hall")
        assert it.holds(1850.0, 2100.0), "250 are more than a step"
        assert it.mode == "autonomous"
        ready(it, {B: 2200.0})
        await it.advice.autopilot.look("Hall")
        assert it.holds(1850.0, 2200.0)
        assert it.shown("ModeReason") == "as the plant file says"


async def test_the_first_refusal_ends_it_for_good(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device, "autonomous") as it:
        device.discretes[0] = True
        await until(lambda: it.bridge.value("Hall/A/Blocked") is True)
        ready(it, {A: 1850.0, B: 2100.0})
        await it.advice.autopilot.look("Hall")
        assert (it.mode, it.shown("OptimizationMode")) == ("supervised", 1)
        assert "Proposal-1 was refused: A/SpeedSetpoint was refused with BadInvalidState" in it.shown("ModeReason")
        assert it.holds(2000.0, 2000.0)
        assert (it.notices[-1].severity, "fell back to supervised" in it.notices[-1].message) == (FELL_BACK, True)
        device.discretes[0] = False
        asked = len(it.asked)
        await it.advice.autopilot.look("Hall")
        assert (len(it.asked), it.advice.autopilot.due(1e9), it.advice.autopilot.due(2e9)) == (asked, [], [])
    async with hall(tmp_path, device, "autonomous") as it:
        assert it.mode == "supervised", "a restart does not arm it, though the plant file says autonomous"
        assert "was refused" in it.shown("ModeReason")
        with pytest.raises(NotAllowed, match="engineers") as caught:
            await it.call("SetOptimizationMode", "autonomous", user=OPERATOR)
        assert caught.value.status == Status.BadUserAccessDenied
        assert (await it.call("SetOptimizationMode", "autonomous", user=ENGINEER))[0] == "supervised"
        assert "set to autonomous by emil" in it.shown("ModeReason")
    async with hall(tmp_path, device, "autonomous") as it:
        assert it.mode == "autonomous"
    async with hall(tmp_path, device, "advisory") as it:
        assert it.mode == "advisory", "the plant file was changed, and says something else now"


async def test_a_model_that_drifts_ends_it(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device, "autonomous") as it:
        ready(it, {A: 1850.0})
        it.answers["Following"] = lambda *_: (False, "the model of A/Power is off by +3", True, "")
        await it.advice.autopilot.look("Hall")
        assert it.mode == "supervised"
        assert "the model drifts: the model of A/Power is off by +3" in it.shown("ModeReason")
        assert (it.holds(2000.0, 2000.0), [name for name, _ in it.asked]) == (True, ["Following"])


async def test_an_operator_who_takes_over_ends_it(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device, "autonomous") as it:
        ready(it, {A: 1850.0})
        await it.advice.autopilot.look("Hall")
        await it.bridge.write("Hall/C/SpeedSetpoint", 1500.0)
        assert it.mode == "autonomous", "that is none of its commands"
        await it.bridge.write(B, 1500.0)
        assert it.mode == "supervised"
        assert "anna took over: B/SpeedSetpoint set to 1500" in it.shown("ModeReason")
        await it.call("SetOptimizationMode", "autonomous", user=ENGINEER)
        ready(it, {A: 1800.0})
        await it.advice.autopilot.look("Hall")
        assert it.holds(1800.0, 1500.0)
    device.put(10, 1400.0, ">f4")
    async with hall(tmp_path, device, "autonomous") as it:
        ready(it, {A: 1750.0})
        await it.advice.autopilot.look("Hall")
        assert "somebody took over: B/SpeedSetpoint is 1400, and was left at 1500" in it.shown("ModeReason")
        assert it.holds(1800.0, 1400.0)


async def test_a_mode_set_in_the_middle_wins_at_once(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device, "autonomous") as it:
        ready(it, {A: 1850.0})

        async def slow(twin: Any, arguments: Any) -> Any:
            await it.call("SetOptimizationMode", "supervised")
            return proposing(it, {A: 1850.0})(twin, arguments)

        it.answers[OPTIMIZE] = slow
        await it.advice.autopilot.look("Hall")
        assert (it.holds(2000.0, 2000.0), it.bridge.audits) == (True, [])
        assert "set to supervised by olga" in it.shown("ModeReason")

        await it.call("SetOptimizationMode", "autonomous", user=ENGINEER)
        ready(it, {A: 1850.0, B: 1850.0})
        setting: list[asyncio.Task[Any]] = []
        modes = it.advice.modes
        it.bridge.commands.on_audit(lambda _: None if setting else modes.set("Hall", modes.of("Hall").declared, "olga"))
        it.bridge.commands.on_audit(lambda _: setting.append(asyncio.current_task()))  # type: ignore[arg-type]
        modes.set("Hall", modes.of("Hall").mode, "emil")
        await it.advice.autopilot.look("Hall")
        assert it.holds(2000.0, 2000.0), "between two writes: the first was put back"
        assert "by olga" in it.shown("ModeReason")


async def test_what_is_not_known_changes_nothing_and_says_so(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device, "autonomous") as it:

        def broken(*_: Any) -> Any:
            raise WorkerDied("the worker process died")

        for answer, why in (
            (lambda *_: (False, "", False, "less than a minute of the past is known"), "less than a minute"),
            (broken, "the worker process died"),
        ):
            it.answers["Following"] = answer
            await it.advice.autopilot.look("Hall")
            assert (it.mode, why in it.shown("ModeReason")) == ("autonomous", True), it.shown("ModeReason")
        await device.stop()
        await until(lambda: not it.bridge.good(A))
        await it.advice.autopilot.look("Hall")
        assert "A/SpeedSetpoint, B/SpeedSetpoint has no Good value" in it.shown("ModeReason")
        await device.start()
        await until(lambda: it.bridge.good(A, B))
        device.put(0, 500.0, ">f4")
        await until(lambda: it.bridge.value(A) == 500.0)
        await it.call("SetOptimizationMode", "autonomous", user=ENGINEER)
        await it.advice.autopilot.look("Hall")
        assert "A/SpeedSetpoint is 500, outside of its limits 1000 to 2800" in it.shown("ModeReason")


async def test_without_limits_nobody_arms_it(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device) as it:
        with pytest.raises(NotAvailable, match="states no limits"):
            await it.call("SetOptimizationMode", "autonomous", user=ENGINEER, twin="Hall/A")
        assert it.bridge.value("Hall/A/OptimizationMode") == 0
        told = await it.call("GetOptimization", user=ENGINEER)
        assert (told[0], told[7], told[8]) == ("supervised", 60.0, ["A/SpeedSetpoint", "B/SpeedSetpoint"])


async def test_it_looks_when_it_is_due(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device, "autonomous") as it:
        ready(it, {A: 1850.0})
        assert it.advice.autopilot.due(0.0) == []
        running = asyncio.create_task(it.advice.autopilot.run(lambda: 60.0))
        await until(lambda: it.holds(1850.0, 2000.0))
        running.cancel()
        await asyncio.wait([running])
