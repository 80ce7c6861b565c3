"""The MQTT driver with Tahu's sparkplug-payload at the other end: a codec of Sparkplug B that is not ours."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from drivers import mqtt
from drivers.data_types import DataType, from_cells
from drivers.driver import Binding
from drivers.readings import Readings, ticks_from_unix
from drivers.status import Status
from server.publish.reduced import Reduced
from server.publish.sparkplug import NodeSettings, SparkplugNode
from tests.publish.conftest import START, make_desk
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

HERE = Path(__file__).parent
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "sparkplug-payload").exists(),
        reason="sparkplug-payload is not installed: npm install --no-package-lock in tests/interop",
    ),
]
STAMP_MS = 1_700_000_000_000
VALUES: list[tuple[str, object, DataType]] = [
    ("Int8", -5, DataType.SByte),
    ("Int16", -300, DataType.Int16),
    ("Int32", -70_000, DataType.Int32),
    ("Int64", -5_000_000_000, DataType.Int64),
    ("UInt8", 200, DataType.Byte),
    ("UInt16", 60_000, DataType.UInt16),
    ("UInt32", 4_294_967_295, DataType.UInt32),
    ("UInt64", 5_000_000_000, DataType.UInt64),
    ("Float", 1.5, DataType.Float),
    ("Double", 0.1, DataType.Double),
    ("Boolean", True, DataType.Boolean),
]


class Tahu:
    """The library in its own process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        return json.loads(await asyncio.wait_for(self._process.stdout.readline(), 20))

    async def encode(self, metrics: list[dict[str, Any]], seq: int) -> bytes:
        """The bytes of a payload."""
        payload = {"timestamp": STAMP_MS, "seq": seq, "metrics": metrics}
        return bytes.fromhex(await self._ask({"encode": payload}))

    async def decode(self, data: str) -> Any:
        """The payload of bytes in hexadecimal."""
        return await self._ask({"decode": data})


@pytest.fixture
async def tahu() -> AsyncIterator[Tahu]:
    process = await asyncio.create_subprocess_exec(str(NODE), str(HERE / "sparkplug.mjs"), stdin=PIPE, stdout=PIPE)
    yield Tahu(process)
    process.kill()
    await process.communicate()


def bindings(writable: bool) -> list[Binding]:
    return [
        Binding(row, f"Plant/{name}", kind, 0, point(name), 1.0, writable) for row, (name, _, kind) in enumerate(VALUES)
    ]


def point(name: str) -> Any:
    return mqtt.point_model.model_validate({"sparkplug": {"group": "G", "node": "N", "metric": name}})


async def test_births_and_data_of_tahu_are_understood_and_our_commands_by_tahu(tahu: Tahu) -> None:
    tags = bindings(writable=True)
    batches: list[Readings] = []
    with MqttBroker() as broker:
        driver = mqtt.create("broker", mqtt.connection_model(host="127.0.0.1", port=broker.port), tags)
        await driver.connect()
        listener = await broker.listen("spBv1.0/G/NCMD/N", "-F", "%x")
        observing = asyncio.create_task(driver.observe(batches.append))
        asked = await tahu.decode((await listener.line(b"08")).decode())
        assert [(one["name"], one["type"], one["value"]) for one in asked["metrics"]] == [
            ("Node Control/Rebirth", "Boolean", True)
        ]
        birth = [{"name": name, "alias": 10 + row, "type": name, "value": 0} for row, (name, _, _) in enumerate(VALUES)]
        await broker.publish("spBv1.0/G/NBIRTH/N", await tahu.encode(birth, 0))
        data = [{"alias": 10 + row, "type": name, "value": value} for row, (name, value, _) in enumerate(VALUES)]
        await broker.publish("spBv1.0/G/NDATA/N", await tahu.encode(data, 1))
        await until(lambda: sum(map(len, batches)) >= 2 * len(VALUES))
        assert driver.traffic.malformed == 0
        told = latest(batches, tags)
        assert told == {
            row: (value, Status.Good, ticks_from_unix(STAMP_MS / 1000)) for row, (_, value, _) in enumerate(VALUES)
        }
        for row, (name, value, _) in enumerate(VALUES):
            await driver.write(row, value)
            (sent,) = (await tahu.decode((await listener.line(b"08")).decode()))["metrics"]
            assert (sent["alias"], sent["type"]) == (str(10 + row), name)
            assert said(sent["value"], name) == value, name
        observing.cancel()
        await asyncio.gather(observing, return_exceptions=True)
        await driver.close()
        await listener.close()


def said(value: Any, name: str) -> object:
    """A decoded value; the library gives an Int64, its own as well as ours, without its sign."""
    if name in ("Float", "Boolean", "Double"):
        return value
    return int(value) - (2**64 if name == "Int64" and int(value) >= 2**63 else 0)


def latest(batches: list[Readings], tags: list[Binding]) -> dict[int, tuple[object, int, int]]:
    """By row."""
    found: dict[int, tuple[object, int, int]] = {}
    for batch in batches:
        for index, row in enumerate(batch.row.tolist()):
            value = from_cells(batch.value[index : index + 1], tags[row].data_type)[0].item()
            value = bool(value) if tags[row].data_type is DataType.Boolean else value
            found[row] = value, int(batch.status[index]), int(batch.source_ticks[index])
    return found


async def test_births_and_data_of_our_edge_node_are_understood_by_tahu(tahu: Tahu) -> None:
    desk = make_desk()
    desk.table.commit(desk.reading("Speed", 900.0))
    edge = SparkplugNode(NodeSettings("G", "N"), desk.plant, desk.layout, desk.table)
    node, pump, _ = [await tahu.decode(message.payload.hex()) for message in edge.birth(START)]
    assert [(one["name"], one["type"]) for one in node["metrics"]] == [
        ("bdSeq", "Int64"), ("Node Control/Rebirth", "Boolean"),
    ]  # fmt: skip
    assert (node["seq"], pump["seq"]) in ((0, 1), ("0", "1"))
    speed, hours = pump["metrics"][:2]
    assert (speed["name"], speed["type"], speed["value"]) == ("Speed", "Float", 900)
    assert speed["properties"]["engUnit"]["value"] == "r/min"
    assert (hours["name"], hours["type"], hours.get("value")) == ("Hours", "UInt64", None)
    (data,) = edge.data(Reduced.values(desk.reading("Hours", 2**60, 1)), False, START)
    (metric,) = (await tahu.decode(data.payload.hex()))["metrics"]
    assert (metric["alias"], metric["value"]) == (hours["alias"], str(2**60))


async def test_results_of_analytics_are_metrics_that_tahu_knows_before_they_have_a_value(tahu: Tahu) -> None:
    desk = make_desk(results=True)
    edge = SparkplugNode(NodeSettings("G", "N"), desk.plant, desk.layout, desk.table)
    (birth,) = [one for one in edge.birth(START) if one.topic.endswith("/Loop")]
    metrics = {one["name"]: one for one in (await tahu.decode(birth.payload.hex()))["metrics"]}
    score = metrics["AnomalyScore"]
    assert (score["type"], score.get("value"), score["properties"]["engHigh"]["value"]) == ("Double", None, 1)
    (data,) = edge.data(Reduced.values(desk.reading("Loop/AnomalyScore", 0.25, 1)), False, START)
    (metric,) = (await tahu.decode(data.payload.hex()))["metrics"]
    assert (metric["alias"], metric["type"], metric["value"]) == (score["alias"], "Double", 0.25)
