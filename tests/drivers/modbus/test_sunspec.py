"""A SunSpec inverter (model 103) is read as pysunspec2, which knows the model from its own files, reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice

sunspec = pytest.importorskip("sunspec2.modbus.client", reason="pysunspec2 is not installed")

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType
BASE = 40000
INVERTER = BASE + 70
POINTS = {
    "A": 4213, "A_SF": -2, "PhVphA": 2301, "V_SF": -1, "W": -15000, "W_SF": 1, "Hz": 4998, "Hz_SF": -2,
    "VA": -32768, "VA_SF": 0, "TmpCab": 415, "Tmp_SF": -1, "St": 4, "DCA": 0xFFFF, "DCA_SF": -3, "PF": 1,
    "PF_SF": -32768,
}  # fmt: skip


def lay_out(device: ModbusDevice) -> None:
    """Put the common model and an empty inverter into the holding registers."""
    device.put(BASE, np.frombuffer(b"SunS", ">u2"), ">u2")
    device.put(BASE + 2, [1, 66], ">u2")
    device.put(BASE + 4, np.frombuffer(b"Acme".ljust(32, b"\0"), ">u2"), ">u2")
    device.put(INVERTER, [103, 50], ">u2")
    device.put(INVERTER + 52, [0xFFFF, 0], ">u2")


def scan(port: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Maker and scaled points of the inverter as pysunspec2 reads them, and what it knows of the points."""
    client = sunspec.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=5)
    client.scan()
    inverter = client.models[103][0]
    values = {name: point.cvalue for name, point in inverter.points.items()}
    client.close()
    return values | {"Mn": client.common[0].Mn.value}, dict(inverter.points)


async def test_the_values_are_those_that_pysunspec2_reads(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    lay_out(device)
    _, points = await asyncio.to_thread(scan, device.port)
    offset_of = {name: point.offset for name, point in points.items()}
    for name, value in POINTS.items():
        device.put(INVERTER + offset_of[name], value & 0xFFFF, ">u2")
    device.put(INVERTER + offset_of["WH"], 123456, ">u4")
    theirs, _ = await asyncio.to_thread(scan, device.port)

    def point(row: int, name: str) -> Binding:
        kind = {"uint16": "uint16", "int16": "int16", "acc32": "uint32", "enum16": "uint16"}[points[name].pdef["type"]]
        missing = {"uint16": 0xFFFF, "int16": 0x8000}.get(points[name].pdef["type"])
        factor = points[name].pdef.get("sf")
        settings = {"scale_from": INVERTER + offset_of[factor]} if factor else {}
        return tag(row, T.Double, address=INVERTER + offset_of[name], type=kind, no_data=missing, **settings)

    names = ["A", "PhVphA", "W", "Hz", "TmpCab", "St", "WH", "VA", "DCA", "PF"]
    tags = [point(row, name) for row, name in enumerate(names)]
    driver = await connected([*tags, tag(99, T.String, address=BASE + 4, length=16)])
    readings = await driver.read(driver.groups[0])
    row = readings.row.tolist()
    ours = {name: readings.value.view("<f8")[row.index(index)] for index, name in enumerate(names)}
    status = {name: int(readings.status[row.index(index)]) for index, name in enumerate(names)}
    good = ["A", "PhVphA", "W", "Hz", "TmpCab", "St", "WH"]
    assert {name: ours[name] for name in good} == pytest.approx({name: theirs[name] for name in good})
    assert ours["W"] == -150000
    assert [status[name] for name in good] == [0] * len(good)
    assert readings.side[row.index(99)] == theirs["Mn"] == "Acme"
    assert (theirs["VA"], status["VA"]) == (None, Status.BadSensorFailure)
    assert (theirs["DCA"], status["DCA"]) == (None, Status.BadSensorFailure)
    assert status["PF"] == Status.BadDecodingError  # its factor is "not implemented"
