"""A hall of three pumps on a Modbus device, with models and limits, and the whole bridge of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from analytics.simulation.kinds import KINDS
from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from server.app import Bridge
from server.config.load import load_plant
from server.security.users import add_user
from server.services.options import UaServerOptions
from tests.simulators.bridge import at_work
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until

PASSWORD = "a long enough password"
USERS = {"viewer": "Observer", "operator": "Operator", "engineer": "Engineer"}
PLANT = """
plant: {{name: Works}}
connections:
  device: {{driver: modbus, host: 127.0.0.1, port: {port}, timeout_s: 0.3}}
types:
  Pump:
    scope: asset
    parameters: {{at: {{}}}}
    rate_s: 0.1
    connection: device
    model:
      kind: pump
      parameters: {{shutoff: 52, rated_speed: 3000}}
      inputs: {{speed: {{tag: Speed, command: SpeedSetpoint}}}}
      outputs: {{flow: Flow, power: Power}}
    telemetry:
      Speed: {{type: Float, unit: RPM, range: [0, 3000], point: {{table: input, address: "{{at}}"}}}}
      Flow: {{type: Float, unit: MQH, point: {{table: input, address: "{{at + 2}}"}}}}
      Power: {{type: Float, unit: KWT, point: {{table: input, address: "{{at + 4}}"}}}}
      Blocked: {{type: Boolean, point: {{table: discrete, address: "{{at}}"}}}}
    commands:
      SpeedSetpoint:
        type: Float
        unit: RPM
        range: [0, 3000]
        point: {{table: holding, address: "{{at}}"}}
        confirm: read_back
        tolerance: 0.5
        within_s: 0.6
        interlock: [{{tag: Blocked, equals: false, message: the pump is blocked}}]
twins:
  Hall:
    scope: system
    optimization:
      mode: {mode}
      every_s: 60
      limits:
        A/SpeedSetpoint: {{low: 1000, high: 2800, step: 200}}
        B/SpeedSetpoint: {{low: 1000, high: 2800, step: 200}}
    children:
      A: {{type: Pump, with: {{at: 0}}}}
      B: {{type: Pump, with: {{at: 10}}}}
      C: {{type: Pump, with: {{at: 20}}}}
"""
AIM = """
      constraints: ["A/Flow >= 40", "B/Flow >= 30", "C/Flow >= 30"]
"""
SECOND = 10_000_000


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


def put_running(device: ModbusDevice) -> None:
    """All pumps at 2000 rpm, as the drives show it and as they were told."""
    for at in (0, 10, 20):
        device.put(at, 2000.0, ">f4")
        for offset, value in enumerate(pump_at(2000.0).values()):
            device.put(at + 2 * offset, value, ">f4", table="inputs")
