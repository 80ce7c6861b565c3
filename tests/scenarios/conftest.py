"""A plant of one Modbus device whose machines have models, the whole bridge of it, and clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua

from drivers.readings import now_ticks
from server.app import Bridge
from server.config.load import load_plant
from server.security.users import add_user
from server.services.options import UaServerOptions
from tests.simulators.bridge import at_work
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until

PASSWORD = "a long enough password"
USERS = {"viewer": "Observer", "operator": "Operator", "admin": "ConfigureAdmin"}
PLANT = """
plant: {{name: Works}}
connections:
  device: {{driver: modbus, host: 127.0.0.1, port: {port}}}
x-tag: &tag {{type: Float, rate_s: 0.1, stale_s: 1000}}
twins:
  Hall:
    scope: system
    connection: device
    telemetry:
      Outdoor: {{<<: *tag, unit: CEL, point: {{table: input, address: 0}}}}
      Total: {{<<: *tag, unit: KWT, point: {{table: input, address: 2}}}}
    model: {{kind: sum, inputs: {{value: [{{tag: Pump/Power, scale: 0.001}}, 4]}}, outputs: {{total: Total}}}}
    children:
      Pump:
        scope: asset
        model:
          kind: pump
          parameters: {{shutoff: 52, rated_speed: 3000}}
          inputs: {{speed: {{tag: Speed, command: SpeedSetpoint}}}}
          outputs: {{flow: Flow, power: Power}}
        telemetry:
          Speed: {{<<: *tag, unit: RPM, range: [0, 3000], point: {{table: input, address: 4}}}}
          Flow: {{<<: *tag, unit: MQH, point: {{table: input, address: 6}}}}
          Power: {{<<: *tag, unit: WTT, point: {{table: input, address: 8}}}}
          Vibration: {{<<: *tag, point: {{table: input, address: 10}}}}
          Missing: {{<<: *tag, point: {{unit: 9, table: input, address: 0}}}}
          Message: {{type: String, stale_s: 1000, point: {{table: input, address: 30, type: string, length: 4}}}}
        commands:
          SpeedSetpoint:
            {{<<: *tag, unit: RPM, limits: [500, 3000], point: {{address: 0}},
              interlock: [{{tag: Flow, above: 20, message: The circuit is closed}}]}}
          Reset: {{type: Boolean, point: {{table: coil, address: 0}}}}
        methods:
          SetSpeed: {{writes: {{SpeedSetpoint: $Speed}}}}
        relations: [{{Controls: Motor}}]
        components:
          Motor:
            scope: component
            model:
              kind: motor
              parameters: {{time_constant: 600}}
              inputs: {{shaft_power: "..:shaft_power", ambient: /Hall/Outdoor}}
              outputs: {{winding: Winding}}
            telemetry:
              Winding: {{<<: *tag, unit: CEL, point: {{table: input, address: 12}}}}
  Lamp:
    scope: asset
    connection: device
    telemetry: {{Lit: {{<<: *tag, point: {{table: input, address: 14}}}}}}
rules:
  HighPower: {{input: "**/Power", high: 1}}
scenarios: {{most: 2, most_tags: 30, age_s: 600, max_age_s: 3600, max_speed: 600}}
"""
MEASURED = {0: 20.0, 2: 12.0, 4: 2000.0, 6: 80.0, 8: 8000.0, 10: 1.5, 12: 60.0, 14: 1.0}
WRITES = frozenset({5, 6, 15, 16, 22, 23})
"""Function codes of Modbus that write."""


@dataclass(repr=False)
class Works:
    """The bridge at work, its device and a client."""

    bridge: Bridge
    device: ModbusDevice
    client: Client
    file: Path

    def node_id(self, path: str) -> ua.NodeId:
        """Of a path of the plant."""
        return self.bridge.space.node_id(path)

    async def call(self, name: str, *arguments: ua.Variant) -> ua.CallMethodResult:
        """Call a method of Objects/Scenarios."""
        request = ua.CallMethodRequest(self.node_id("Scenarios"), self.node_id(f"Scenarios/{name}"), list(arguments))
        (answer,) = await self.client.uaclient.call([request])
        return answer

    async def create(
        self, twin: str = "Hall", name: str = "Scenario1", *, speed: float = 60.0, age_s: float = 0.0, **given: float
    ) -> ua.CallMethodResult:
        """CreateScenario; given: inputs by name, with __ for /."""
        names = [one.replace("__", "/") for one in given]
        return await self.call(
            "CreateScenario",
            text(twin),
            text(name),
            texts(*names),
            numbers(*given.values()),
            number(speed),
            number(age_s),
        )

    async def read(self, path: str, attribute: ua.AttributeIds = ua.AttributeIds.Value) -> ua.DataValue:
        """A value with its status."""
        (value,) = await self.client.uaclient.read_attributes([self.node_id(path)], attribute)
        return value

    async def value(self, path: str) -> Any:
        """A value."""
        return (await self.read(path)).Value.Value

    async def write(self, path: str, value: Any, kind: ua.VariantType = ua.VariantType.Float) -> str:
        """The name of the StatusCode."""
        data = ua.DataValue(ua.Variant(value, kind))
        (status,) = await self.client.uaclient.write_attributes([self.node_id(path)], [data])
        return str(status.name)

    async def until(self, path: str, holds: Callable[[Any], bool], within_s: float = 10.0) -> Any:
        """The value of a node once it is so."""
        end = time.monotonic() + within_s
        while not holds(seen := await self.value(path)):
            assert time.monotonic() < end, f"{path} is still {seen}"
            await asyncio.sleep(0.02)
        return seen

    def written(self) -> int:
        """How many requests to write have come to the device."""
        return sum(one.function in WRITES for one in self.device.log)


@asynccontextmanager
async def works(
    folder: Path, user: str = "operator", text: str = PLANT, *, trust_all_certificates: bool = False
) -> AsyncIterator[Works]:
    """All at work, with values of every tag that the device has."""
    async with ModbusDevice() as device:
        for address, value in MEASURED.items():
            device.put(address, value, ">f4", table="inputs")
        device.put(0, 2000.0, ">f4")
        file = folder / "plant.yaml"
        file.write_text(text.format(port=device.port))
        users = folder / "users.yaml"
        for name, role in USERS.items():
            await asyncio.to_thread(add_user, users, name, PASSWORD, [role])
        options = UaServerOptions(
            folder / "pki",
            "opc.tcp://127.0.0.1:0/works",
            users_file=users,
            data_dir=folder / "data",
            trust_all_certificates=trust_all_certificates,
        )
        async with at_work(Bridge(load_plant(file), options)) as bridge:
            rows = [tag.row for tag in bridge.plant.connections["device"].tags if tag.name not in ("Missing", "Reset")]
            await until(lambda: (bridge.table.status[rows] == 0).all())
            async with client_of(bridge, user) as client:
                yield Works(bridge, device, client, file)


@asynccontextmanager
async def client_of(bridge: Bridge, user: str) -> AsyncIterator[Client]:
    """A client as one of the users."""
    client = Client(bridge.server.endpoint_url, timeout=20)
    client.set_user(user)
    client.set_password(PASSWORD)
    async with client:
        yield client


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Works]:
    """The works, and an operator's client."""
    async with works(tmp_path_factory.mktemp("works")) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def hall(running: Works) -> AsyncIterator[Works]:
    """The same, without scenarios before and after."""
    running.device.log.clear()
    yield running
    scenarios = running.bridge.scenarios
    scenarios.clock = now_ticks
    for one in scenarios.every:
        await scenarios.delete(one.copy.id)


def text(value: str = "") -> ua.Variant:
    """A text."""
    return ua.Variant(value, ua.VariantType.String)


def texts(*values: str) -> ua.Variant:
    """An array of text."""
    return ua.Variant(list(values), ua.VariantType.String, is_array=True)


def number(value: float) -> ua.Variant:
    """A Double."""
    return ua.Variant(value, ua.VariantType.Double)


def numbers(*values: float) -> ua.Variant:
    """An array of Doubles."""
    return ua.Variant(list(values), ua.VariantType.Double, is_array=True)
