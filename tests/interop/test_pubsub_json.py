"""PubSub JSON with node-opcua's decoder of the OPC UA JSON encoding at the other end."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from drivers.readings import Readings
from drivers.status import Status
from server.publish.pubsub_json import PubSubJson, PubSubSettings
from server.publish.pubsub_metadata import Description
from server.publish.reduced import Reduced
from tests.publish.conftest import START, make_desk

HERE = Path(__file__).parent
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "node-opcua-json").exists(),
        reason="node-opcua-json is not installed: npm install --no-package-lock in tests/interop",
    ),
]


async def decoded(payload: bytes) -> Any:
    """The DataSetMessages as node-opcua reads them."""
    process = await asyncio.create_subprocess_exec(str(NODE), str(HERE / "pubsub_json.mjs"), stdin=PIPE, stdout=PIPE)
    said, _ = await asyncio.wait_for(process.communicate(payload + b"\n"), 30)
    return json.loads(said)


async def test_every_field_of_a_delta_frame_is_understood() -> None:
    """Part 6, 5.4.2: DataValues with type, value, status and time; 64-bit numbers and what is no number survive."""
    desk = make_desk()
    described = Description("urn:edge", "uatwin", (), "cloud", "edge1", desk.sets)
    form = PubSubJson(PubSubSettings("edge1"), desk.layout, desk.table, described)
    changes = Readings.concat(
        [
            desk.reading("Speed", 1480.125, 0.25),
            desk.reading("Hours", 2**60, 1),
            desk.reading("State", 1, 2, Status.UncertainLastUsableValue),
            desk.reading("Note", "Überlast", 3),
            desk.reading("Setpoint", float("inf"), 4),
        ]
    )
    (message,) = form.data(Reduced.values(changes), False, START)
    ((frame),) = await decoded(message.payload)
    fields = frame["fields"]
    assert (frame["kind"], frame["sequence"]) == ("ua-deltaframe", 0)
    assert (fields["Speed"]["value"], fields["Speed"]["time"]) == (1480.125, "2025-08-18T14:13:20.250Z")
    assert {name: field["type"] for name, field in fields.items()} == {
        "Speed": 10, "Hours": 9, "State": 3, "Note": 12, "Setpoint": 10,
    }  # fmt: skip
    high, low = fields["Hours"]["value"]
    assert high * 2**32 + low == 2**60
    assert fields["State"]["status"] == Status.UncertainLastUsableValue
    assert fields["Note"]["value"] == "Überlast"
