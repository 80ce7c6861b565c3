"""OEE, throughput, bottleneck and balance of examples/packaging.yaml as an OPC UA client gets them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from analytics.process.stations import State
from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from server.app import Bridge
from server.config.load import load_plant
from server.services.options import UaServerOptions
from tests.analysis.conftest import SECOND, Hall, client_of, no_time, times
from tests.simulators.bridge import at_work
from tests.simulators.flow_line import Made, simulate
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until

EXAMPLE = Path(__file__).parents[2] / "examples/packaging.yaml"
MACHINES = ("Filler", "Capper", "Labeller", "Packer")
OFF, IDLE, RUNNING, CHANGEOVER, STARVED, BLOCKED, FAULT = range(7)
NUMBERS = {
    State.running: RUNNING, State.starved: STARVED, State.blocked: BLOCKED, State.down: FAULT, State.planned: OFF,
}  # fmt: skip
HOUR = 3600


@asynccontextmanager
async def packaging(folder: Path, port: int = 1, rate_s: float = 1.0) -> AsyncIterator[Hall]:
    """The bridge at work on the example, its PLC at a port of this computer, and an anonymous client."""
    text = re.sub(r"host: [\d.]+, port: 502", f"host: 127.0.0.1, port: {port}", EXAMPLE.read_text("utf-8"))
    text = text.replace("rate_s: 1\n", f"rate_s: {rate_s}\n").replace("endpoint:", "policies: [None]\n  endpoint:")
    (folder / "plant.yaml").write_text(text, "utf-8")
    options = UaServerOptions(folder / "pki", "opc.tcp://127.0.0.1:0/line")
    bridge = Bridge(load_plant(folder / "plant.yaml"), options)
    async with at_work(bridge), client_of(bridge, "") as client:
        yield Hall(bridge, client)


def remember(plant: Hall, tag: str, values: np.ndarray, end: int) -> None:
    """Values of the past, one a second up to a time."""
    row = plant.bridge.space.row_of(plant.node_id(f"Line1/{tag}"))
    data_type = DataType.UInt16 if tag.endswith("State") else DataType.UInt32
    count = len(values)
    ticks = end - np.arange(count - 1, -1, -1) * SECOND
    cells = to_cells(values.astype(np.int64), data_type)
    plant.bridge.table.commit(Readings(np.full(count, row, np.int32), cells, np.zeros(count, np.uint32), ticks))


def shift(plant: Hall, end: int) -> None:
    """An hour. All are off for ten minutes; then 50 minutes: the Labeller is 5 minutes down and makes 4000 of its 4500
    in the rest, 40 of them wrong; the others run, wait for it while it is down, and lose nothing."""
    second = np.arange(HOUR + 1)
    off, broken = second <= 600, (second > 1200) & (second <= 1500)
    waits = {"Filler": BLOCKED, "Capper": BLOCKED, "Labeller": FAULT, "Packer": STARVED}
    runs = ~off & ~broken
    for machine, made in (("Filler", 4000), ("Capper", 4000), ("Labeller", 4000), ("Packer", 330)):
        course = np.cumsum(runs) * made / runs.sum()
        remember(plant, f"{machine}/State", np.where(off, OFF, np.where(broken, waits[machine], RUNNING)), end)
        remember(plant, f"{machine}/Count", np.floor(course + 1e-6), end)
        wrong = 40 if machine == "Labeller" else 0
        remember(plant, f"{machine}/Rejects", np.floor(course * wrong / made + 1e-6), end)


def moment(ticks: int) -> ua.Variant:
    """A DateTime."""
    return ua.Variant(datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10), ua.VariantType.DateTime)


def number(value: float) -> ua.Variant:
    """A Double."""
    return ua.Variant(value, ua.VariantType.Double)


async def test_a_client_gets_what_a_shift_worked_by_hand_gives(tmp_path: Path) -> None:
    """Formulas of ISO 22400-2:2014. Labeller: PBT 50 min, APT 45; PRI 0.6 s, PQ 4000: effectiveness 2400 / 2700 s."""
    async with packaging(tmp_path) as plant:
        end = now_ticks() - 10 * SECOND
        shift(plant, end)
        span = moment(end - HOUR * SECOND), moment(end)
        oee = await plant.results("Line1/GetOEE", *span, times())
        assert (oee["Valid"], oee["Reason"], oee["Constraint"]) == (True, "", "Labeller")
        shares = [oee[name] for name in ("Availability", "Effectiveness", "QualityRatio", "OEE")]
        assert shares == pytest.approx([90, 100 * 2400 / 2700, 99, 90 * 24 / 27 * 0.99], abs=0.15)
        assert oee["Units"] == list(MACHINES)
        assert oee["PBT"] == pytest.approx([50] * 4, abs=0.05)
        assert oee["PlannedStopTime"] == pytest.approx([10] * 4, abs=0.05)
        assert (oee["LossUnits"][0], oee["LossKinds"][0]) == ("Packer", "ReducedSpeed")
        assert oee["LossTimes"][0] == pytest.approx(45 - 330 * 6 / 60, abs=0.1)
        assert oee["DataQuality"] == 100.0
        found = await plant.results("Line1/FindBottleneck", *span)
        assert found["Bottleneck"] == "Labeller"
        assert "begin with its breakdowns" in found["Summary"]
        output = await plant.results("Line1/GetThroughput", *span, number(600))
        assert output["Throughput"] == pytest.approx(
            [0, 12 * 330 / 45 * 10, 12 * 330 / 9, *[12 * 330 / 4.5] * 3], abs=13
        )
        assert (output["Outlets"], output["Unit"]) == (["Packer"], "H87")
        balance = await plant.results("Line1/GetMaterialBalance", *span)
        assert balance["Nodes"][:4] == [*MACHINES]
        assert balance["Nodes"][4:] == ["Filler > Capper", "Capper > Labeller", "Labeller > Packer", "*"]
        assert balance["RolledYield"][3] == pytest.approx(99, abs=0.1)
        assert "40 pieces lost on purpose at Labeller" in balance["Summary"]
        alone = await plant.results("Line1/Labeller/GetOEE", *span, times())
        assert (alone["Units"], alone["OEE"]) == (["."], pytest.approx(oee["UnitOEE"][2]))
        stopped = await plant.results(
            "Line1/GetOEE", *span, times(span[0].Value, (span[0].Value + timedelta(seconds=1500)))
        )
        assert stopped["Availability"] == pytest.approx(100, abs=0.1)


async def test_wrong_arguments_are_refused_and_no_values_are_no_error(tmp_path: Path) -> None:
    """Part 4, 5.11.2: BadInvalidArgument for the call, and for each argument why."""
    async with packaging(tmp_path) as plant:
        now = now_ticks()
        then = moment(now - HOUR * SECOND)
        for method, arguments, wrong, status in (
            ("GetOEE", (moment(now), then, times()), 0, "BadOutOfRange"),
            ("GetOEE", (then, moment(now), times(then.Value)), 2, "BadOutOfRange"),
            ("GetOEE", (then, moment(now), number(1)), 2, "BadTypeMismatch"),
            ("GetThroughput", (then, moment(now), number(7200)), 2, "BadOutOfRange"),
            ("GetThroughput", (then, moment(now), number(float("nan"))), 2, "BadOutOfRange"),
            ("FindBottleneck", (moment(now + 2 * HOUR * SECOND), no_time()), 0, "BadOutOfRange"),
            ("GetMaterialBalance", (ua.Variant("now", ua.VariantType.String), no_time()), 0, "BadTypeMismatch"),
        ):
            answer = await plant.call(f"Line1/{method}", *arguments)
            assert answer.StatusCode.name == "BadInvalidArgument", (method, arguments)
            assert answer.InputArgumentResults[wrong].name == status
        few = await plant.call("Line1/GetOEE", then)
        assert few.StatusCode.name == "BadArgumentsMissing"
        empty = await plant.results("Line1/GetOEE", then, no_time(), times())
        assert empty["Valid"] is False
        assert empty["Reason"].startswith("no state is known in that time")
        assert "FindBottleneck" not in await plant.children("Line1/Filler/Analytics"), "one machine has no bottleneck"


class Line:
    """The PLC: what happens at the machines, in its registers while it happens."""

    def __init__(self, device: ModbusDevice, made: list[Made]) -> None:
        self._device = device
        self._made = made
        self._begin = time.monotonic()

    @property
    def second(self) -> float:
        """Since the begin."""
        return time.monotonic() - self._begin

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.show()
            await asyncio.sleep(0.01)

    def show(self) -> None:
        """The registers as they are now."""
        for index, one in enumerate(self._made):
            state = [state for begin, state in one.states if begin <= self.second][-1]
            self._device.holding[10 * index] = NUMBERS[state]
            done = sum(second <= self.second for second in one.finished)
            self._device.put(10 * index + 1, np.uint32(done), ">u4")
            self._device.put(10 * index + 3, np.uint32(0), ">u4")

    def share(self, machine: int, state: State, start: float, end: float) -> float:
        """How long it was so."""
        states = self._made[machine].states
        ends = [begin for begin, _ in states[1:]] + [float("inf")]
        spans = [(max(a, start), min(b, end)) for (a, kind), b in zip(states, ends, strict=True) if kind is state]
        return sum(max(0.0, b - a) for a, b in spans) / (end - start)


async def test_the_bottleneck_of_a_line_at_work_is_found_while_it_works(tmp_path: Path) -> None:
    """Four machines behind real sockets, polled every 50 ms; the Labeller needs 0.3 s a part, the others 0.2 s."""
    async with ModbusDevice() as device:
        made = simulate(60, [lambda: 0.2, lambda: 0.2, lambda: 0.3, lambda: 0.2], [lambda: 0.0] * 4, buffer=2)
        line = Line(device, made)
        line.show()
        working = asyncio.create_task(line.run())
        try:
            async with packaging(tmp_path, device.port, 0.05) as plant:
                begin, first = now_ticks(), line.second
                await until(lambda: line.second >= first + 4.0)
                end, last = now_ticks(), line.second
                span = moment(begin), moment(end)
                found: dict[str, Any] = await plant.results("Line1/FindBottleneck", *span)
                oee = await plant.results("Line1/GetOEE", *span, times())
        finally:
            working.cancel()
        assert found["Bottleneck"] == "Labeller", found["Summary"]
        seen = dict(zip(found["Units"], found["RunningShare"], strict=True))
        for index, machine in enumerate(MACHINES):
            really = 100 * line.share(index, State.running, first, last)
            assert seen[machine] == pytest.approx(really, abs=15)
        assert oee["UnitEffectiveness"][2] == pytest.approx(200, rel=0.2), "0.3 s where 0.6 s is said to be ideal"
        assert "the ideal is set too low" in oee["Reason"]
