"""A machine with an hour of past behind the whole bridge, and clients of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import Client, ua

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from server.app import Bridge
from server.config.load import load_plant
from server.security.users import add_user
from server.services.options import UaServerOptions
from tests.simulators.bridge import at_work

PASSWORD = "a long enough password"
USERS = {"viewer": "Observer", "operator": "Operator", "engineer": "Engineer"}
SIGNALS = ("Speed", "Flow", "Pressure", "Bearing/Vibration", "Bearing/Temperature")
PLANT = """
plant: {name: Hall}
connections:
  device: {driver: modbus, host: 127.0.0.1, port: 1}
x-tag: &tag {type: Double, stale_s: 10000, unit: C62, range: [0, 10]}
twins:
  Pump:
    scope: asset
    connection: device
    telemetry:
      Speed: {<<: *tag, point: {table: input, address: 0}}
      Flow: {<<: *tag, point: {table: input, address: 4}}
      Pressure: {<<: *tag, point: {table: input, address: 8}}
      Running: {type: Boolean, point: {table: discrete, address: 0}}
    components:
      Bearing:
        scope: component
        connection: device
        telemetry:
          Vibration: {<<: *tag, point: {table: input, address: 12}}
          Temperature: {<<: *tag, point: {table: input, address: 16}}
  Lamp:
    scope: asset
    connection: device
    telemetry:
      Lit: {type: Boolean, point: {table: discrete, address: 1}}
"""
SECOND = 10_000_000
NULL = None


def course(seconds: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float64]]:
    """float64[seconds, 5]: a pump whose signals hang together."""
    random = np.random.default_rng(seed)
    load = 5.0 + np.sin(np.arange(seconds) / 60.0) + 0.1 * random.normal(size=seconds)
    noise = 0.05 * random.normal(size=(seconds, len(SIGNALS)))
    return noise + load[:, None] * np.array([1.0, 0.8, 0.5, 0.2, 0.6])


@dataclass(repr=False)
class Hall:
    """The bridge at work, and a client as one of the users."""

    bridge: Bridge
    client: Client

    def node_id(self, path: str) -> ua.NodeId:
        """Of a path of the plant."""
        return self.bridge.space.node_id(path)

    async def call(self, path: str, *arguments: ua.Variant) -> ua.CallMethodResult:
        """Call an analytics method by its path."""
        twin = path.rpartition("/")[0]
        folder = twin if "/Jobs/" in path else f"{twin}/Analytics"
        request = ua.CallMethodRequest(self.node_id(folder), self.node_id(path), list(arguments))
        (answer,) = await self.client.uaclient.call([request])
        return answer

    async def results(self, path: str, *arguments: ua.Variant) -> dict[str, Any]:
        """Outputs by name; of the job, when it becomes one, once it has ended."""
        answer = await self.call(path, *arguments)
        assert answer.StatusCode.is_good(), answer
        names = [one.Name for one in await self.value(f"{path}.OutputArguments")]
        outputs = {name: variant.Value for name, variant in zip(names, answer.OutputArguments, strict=True)}
        if outputs["JobId"].is_null():
            return outputs
        job = outputs["JobId"].Identifier
        await self.until(lambda: self.state(job), "Halted")
        return {name: await self.value(f"{job}/Result/{name}") for name in names if name != "JobId"}

    async def value(self, path: str) -> Any:
        """A Good value."""
        return (await self.read(path)).Value.Value

    async def read(self, path: str) -> ua.DataValue:
        """A value with its status."""
        (value,) = await self.client.uaclient.read_attributes([self.node_id(path)], ua.AttributeIds.Value)
        return value

    async def state(self, job: str) -> str:
        """The name of a job's state."""
        return str((await self.value(f"{job}/CurrentState")).Text)

    async def children(self, path: str) -> list[str]:
        """BrowseNames below a node."""
        below = await self.client.get_node(self.node_id(path)).get_children()
        return [(await one.read_browse_name()).Name for one in below]

    async def until(self, what: Callable[[], Any], wanted: object, within_s: float = 30.0) -> None:
        """Wait for it."""
        end = time.monotonic() + within_s
        while (seen := await what()) != wanted:
            assert time.monotonic() < end, f"still {seen}, not {wanted}"
            await asyncio.sleep(0.02)

    def live(self, row: np.ndarray[Any, Any]) -> None:
        """Values of the five signals, now."""
        self._commit(row[None, :], now_ticks())

    def remember(self, values: np.ndarray[Any, Any]) -> None:
        """Values of the past, one a second up to now."""
        self._commit(values, now_ticks())

    def _commit(self, values: np.ndarray[Any, Any], end: int) -> None:
        count = len(values)
        rows = [self.bridge.space.row_of(self.node_id(f"Pump/{name}")) for name in SIGNALS]
        ticks = end - np.arange(count - 1, -1, -1) * SECOND
        self.bridge.table.commit(
            Readings(
                np.tile(np.array(rows, np.int32), count),
                to_cells(values.reshape(-1), DataType.Double),
                np.zeros(values.size, np.uint32),
                np.repeat(ticks, len(rows)),
            )
        )


@asynccontextmanager
async def hall(
    folder: Path, user: str = "engineer", *, trust_all_certificates: bool = False, text: str = PLANT
) -> AsyncIterator[Hall]:
    """The bridge at work on the data of a folder, and a client."""
    (folder / "plant.yaml").write_text(text)
    users = folder / "users.yaml"
    if not users.exists():
        for name, role in USERS.items():
            await asyncio.to_thread(add_user, users, name, PASSWORD, [role])
    options = UaServerOptions(
        folder / "pki",
        "opc.tcp://127.0.0.1:0/hall",
        users_file=users,
        trust_all_certificates=trust_all_certificates,
    )
    bridge = Bridge(load_plant(folder / "plant.yaml"), options)
    async with at_work(bridge), client_of(bridge, user) as client:
        yield Hall(bridge, client)


@asynccontextmanager
async def client_of(bridge: Bridge, user: str) -> AsyncIterator[Client]:
    """A client as one of the users; anonymous for ""."""
    client = Client(bridge.server.endpoint_url, timeout=20)
    if user:
        client.set_user(user)
        client.set_password(PASSWORD)
    async with client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the bridge keeps what outlives it."""
    return tmp_path


def texts(*values: str) -> ua.Variant:
    """An array of text."""
    return ua.Variant(list(values), ua.VariantType.String, is_array=True)


def text(value: str = "") -> ua.Variant:
    """A text."""
    return ua.Variant(value, ua.VariantType.String)


def no_time() -> ua.Variant:
    """The null DateTime."""
    return ua.Variant()


def times(*values: Any) -> ua.Variant:
    """An array of DateTime."""
    return ua.Variant(list(values), ua.VariantType.DateTime, is_array=True)


def training(kind: str = "Anomaly", *options: str, context: tuple[str, ...] = ("Speed",)) -> tuple[ua.Variant, ...]:
    """The arguments of TrainModel."""
    return text(kind), texts(), texts(*context), no_time(), no_time(), times(), texts(*options)
