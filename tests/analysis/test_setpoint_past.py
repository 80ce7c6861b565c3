"""What analytics know of setpoints after a restart, and what a bridge says that is too young to know anything."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from asyncua import ua

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from tests.analysis.conftest import SECOND, Hall, hall, text, texts
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until

PLANT = """
plant: {{name: Setpoints}}
connections: {{line: {{driver: modbus, host: 127.0.0.1, port: {port}}}}}
{history}
x-tag: &tag {{type: Double, rate_s: 0.2}}
twins:
  Pump:
    scope: asset
    connection: line
    model:
      kind: pump
      parameters: {{shutoff: 52, rated_speed: 3000}}
      inputs: {{speed: {{tag: Speed, command: SpeedSetpoint}}, other_flow: OtherFlow}}
      outputs: {{flow: Flow, power: Power}}
    telemetry:
      Speed: {{<<: *tag, unit: RPM, point: {{address: 0, type: float64}}}}
      Flow: {{<<: *tag, unit: MQH, point: {{address: 4, type: float64}}}}
      Power: {{<<: *tag, unit: KWT, point: {{address: 8, type: float64}}}}
    commands:
      SpeedSetpoint: {{<<: *tag, unit: RPM, limits: [1000, 2900], point: {{address: 12, type: float64}}}}
      OtherFlow: {{<<: *tag, unit: MQH, range: [0, 100], point: {{address: 16, type: float64}}}}
"""
NAMES = ("Speed", "Flow", "Power", "SpeedSetpoint", "OtherFlow")
KEPT = "history: {}"
SPEED, OTHER = 2500.0, 5.0
AIM = (text(), texts(), texts("Flow >= 50"), ua.Variant(0.0, ua.VariantType.Double))
DAY_S, HOUR_S = 86_400.0, 3600.0


@asynccontextmanager
async def pump(device: ModbusDevice, folder: Path, history: str = KEPT) -> AsyncIterator[Hall]:
    """The bridge, once it has read everything."""
    async with hall(folder, "operator", text=PLANT.format(port=device.port, history=history)) as plant:
        rows = [row_of(plant, name) for name in NAMES]
        await until(lambda: not plant.bridge.table.status[rows].any())
        yield plant


def row_of(plant: Hall, name: str) -> int:
    return plant.bridge.space.row_of(plant.node_id(f"Pump/{name}"))


async def steady(device: ModbusDevice, folder: Path) -> dict[str, float]:
    """Have the device show what the model says of its speed, and return that."""
    device.put(0, SPEED, ">f8")
    device.put(12, SPEED, ">f8")
    device.put(16, OTHER, ">f8")
    async with pump(device, folder, "") as plant:
        nothing = ua.Variant([], ua.VariantType.Double, is_array=True)
        said = await plant.results("Pump/Predict", texts(), nothing, text())
    known = dict(zip(said["Outputs"], said["Predicted"], strict=True))
    values = {"Speed": SPEED, "Flow": known["Flow"], "Power": known["Power"]}
    for at, value in enumerate(values.values()):
        device.put(4 * at, value, ">f8")
    return values | {"SpeedSetpoint": SPEED, "OtherFlow": OTHER}


def fill(plant: Hall, values: Mapping[str, float], ago_s: np.ndarray[Any, Any]) -> None:
    """Values of the past, as a gateway brings them that has stored them."""
    rows = np.tile(np.array([row_of(plant, name) for name in values], np.int32), len(ago_s))
    cells = to_cells(np.tile(np.array(list(values.values())), len(ago_s)), DataType.Double)
    ticks = np.repeat(now_ticks() - np.round(ago_s * SECOND).astype(np.int64), len(values))
    plant.bridge.table.backfill(Readings(rows, cells, np.zeros(len(rows), np.uint32), ticks))


async def simulated(plant: Hall, ago_s: float) -> dict[str, Any]:
    """Ten minutes of the past run again."""
    numbers = ua.Variant([], ua.VariantType.Double, is_array=True)
    start = ua.Variant(datetime.now(UTC) - timedelta(seconds=ago_s), ua.VariantType.DateTime)
    ten, step = (ua.Variant(one, ua.VariantType.Double) for one in (600.0, 60.0))
    return await plant.results("Pump/Simulate", texts(), numbers, start, ten, step, text())


async def test_a_bridge_that_has_just_started_goes_by_what_it_kept_and_says_what_it_takes_as_it_is_now(
    tmp_path: Path,
) -> None:
    async with ModbusDevice() as device:
        values = await steady(device, tmp_path)
        yesterday = {name: value for name, value in values.items() if name != "OtherFlow"}
        async with pump(device, tmp_path) as plant:
            fill(plant, yesterday, np.arange(DAY_S + 2 * HOUR_S, DAY_S, -10.0))
        async with pump(device, tmp_path) as plant:
            said = await plant.results("Pump/OptimizeSetpoints", *AIM)
            assert said["Valid"], said["Reason"]
            assert said["Saving"] > 0.0
            assert re.search(
                r"compared with 120 min of the past that end 1440 min ago, for there are \d+ s since", said["Reason"]
            )
            assert "OtherFlow is taken as it is now, 5: there are no values of that time" in said["Reason"]
            replayed = await simulated(plant, DAY_S + HOUR_S)
            assert replayed["Valid"]
            assert "OtherFlow is taken as it is now, 5" in replayed["Reason"]
            assert "Speed is" not in replayed["Reason"]
            fill(plant, yesterday, np.arange(2 * HOUR_S, 30.0, -10.0))
            fill(plant, {"OtherFlow": OTHER}, np.array([3 * HOUR_S]))
            said = await plant.results("Pump/OptimizeSetpoints", *AIM)
            assert said["Valid"], said["Reason"]
            assert "as it is now" not in said["Reason"], "it was set before the two hours, and held"
            assert "since" not in said["Reason"]
            assert not (await simulated(plant, HOUR_S))["Reason"]


async def test_a_young_bridge_says_how_long_to_wait_before_it_is_asked_again(tmp_path: Path) -> None:
    async with ModbusDevice() as device:
        values = await steady(device, tmp_path)
        async with pump(device, tmp_path) as plant:
            fill(plant, values, np.arange(40.0, 0.0, -1.0))
            said = await plant.results("Pump/OptimizeSetpoints", *AIM)
            assert (said["Valid"], said["ProposalId"]) == (False, "")
            told = re.search(r"compared with (\d+) s of the past only; (\d+) s more are needed", said["Reason"])
            assert told is not None, said["Reason"]
            known, more = (int(one) for one in told.groups())
            assert 40 <= known <= 60
            assert known + more in (120, 121)
            fill(plant, values, np.arange(known + more, 0.0, -1.0))
            again = await plant.results("Pump/OptimizeSetpoints", *AIM)
            assert again["Valid"], again["Reason"]


async def test_setpoints_of_a_scenario_have_no_past(tmp_path: Path) -> None:
    async with ModbusDevice() as device:
        await steady(device, tmp_path)
        async with pump(device, tmp_path) as plant:
            await plant.bridge.scenarios.create(["Pump", "Trial", [], [], 60.0, 0.0])
            setpoint = plant.node_id("Scenarios/Trial/Pump/SpeedSetpoint")
            node = plant.client.get_node(setpoint)
            await node.write_value(ua.DataValue(ua.Variant(1200.0, ua.VariantType.Double)))
            row = plant.bridge.space.row_of(setpoint)
            await until(lambda: plant.bridge.table.python_value(row) == 1200.0)
            assert not plant.bridge.history.historized(row)
            await plant.bridge.history.series([row_of(plant, "SpeedSetpoint")])
            kept = {one.path for one in plant.bridge.history.writer.opened().tags()}
            assert kept == {f"Pump/{name}" for name in NAMES}
