"""README's five minutes with the demo, done by a client: every node, answer and StatusCode it names."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from asyncua import ua

from drivers.status import Status
from server.acquisition.probe import probe
from server.config.load import load_plant
from server.demo.launcher import Ports
from tests.simulators.demo_run import PASSWORD, Seat, Uatwin, demo, seat
from tests.simulators.documents import ROOT, named_blocks

README = (ROOT / "README.md").read_text("utf-8")
NOT_GIVEN = datetime(1601, 1, 1, tzinfo=UTC)
Kind = ua.VariantType


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uatwin]:
    with demo(tmp_path_factory.mktemp("tour")) as process:
        yield process


def _table(step: str) -> list[list[str]]:
    """The cells of the table of a step of the tour, without its head."""
    text = README.split(f"**{step}")[1].split("\n**")[0]
    rows = [
        [cell.strip() for cell in line.strip()[1:-1].split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return rows[2:]


def _path(cell: str) -> str:
    (found,) = re.findall(r"`([^`]+)`", cell)
    return f"/{found}"


async def _until(client: Seat, path: str, status: str, within_s: float) -> float:
    begun = time.monotonic()
    while (now := await client.status(path)) != status:
        assert time.monotonic() - begun < within_s, f"{path} is {now}, not {status}"
        await asyncio.sleep(0.1)
    return time.monotonic() - begun


async def _inject(client: Seat, fault: int) -> None:
    assert (await client.call("Commands/Inject", ua.Variant(fault, Kind.UInt16))).StatusCode.is_good()


async def _clear(client: Seat) -> None:
    assert (await client.call("Commands/ClearFaults")).StatusCode.is_good()
    await _until(client, "SecondaryLoop/Tank/LevelSetpoint", "Good", 40)


async def test_the_nodes_to_watch_are_good_and_alive_at_four_scopes_over_three_protocols(running: Uatwin) -> None:
    rows = _table("3. Watch.")
    assert {(scope, protocol) for scope, _, protocol in rows} == {
        (scope, protocol)
        for scope in ("process", "system", "asset", "component")
        for protocol in ("Modbus", "MQTT", "CoAP")
    }
    async with seat(running.endpoint) as client:
        paths = [_path(cell) for _, cell, _ in rows]
        await asyncio.gather(*(_until(client, path, "Good", 20) for path in paths))
        first = [answer.Value.Value for answer in await client.read(*paths)]
        still, begun = set(paths), time.monotonic()
        while still:
            assert time.monotonic() - begun < 30, f"never change: {still}"
            await asyncio.sleep(0.2)
            now = await client.read(*paths)
            still -= {path for path, old, new in zip(paths, first, now, strict=True) if new.Value.Value != old}


@pytest.mark.parametrize("example", ["modbus.yaml", "mqtt.yaml", "coap.yaml"])
async def test_the_examples_work_with_the_demo_instead_of_hardware(
    running: Uatwin, example: str, tmp_path: Path
) -> None:
    usual, real = asdict(Ports()), asdict(running.device_ports)
    text = (ROOT / "examples" / example).read_text("utf-8")
    kind = example.removesuffix(".yaml")
    assert f"port: {usual[kind]}" in text
    (tmp_path / example).write_text(text.replace(f"port: {usual[kind]}", f"port: {real[kind]}"), "utf-8")
    (answer,) = await probe(load_plant(tmp_path / example))
    assert not answer.error
    readings = [one for one in answer.answers if one.tag.command is None]  # a retained setpoint is Uncertain at first
    assert readings
    assert [one.tag.path for one in readings if one.status != Status.Good] == []


async def test_the_commands_answer_what_the_table_says(running: Uatwin) -> None:
    rows = _table("4. Command.")
    assert len(rows) == 9
    for user, cell, value, expected, _ in rows:
        async with seat(running.endpoint, None if user == "anonymous" else user) as client:
            assert await client.write(_path(cell), float(value)) == expected, (user, cell, value)
    async with seat(running.endpoint) as client:
        assert await client.value("PrimaryLoop/Chiller/CapacityLimit") == 20.0
        assert await client.value("PrimaryLoop/Pump1/SpeedSetpoint") == 2100.0
    async with seat(running.endpoint, "operator") as client:
        speed = ua.Variant(1800.0, Kind.Float)
        assert (await client.call("PrimaryLoop/Pump1/Commands/SetSpeed", speed)).StatusCode.is_good()
        assert await client.write("PrimaryLoop/Chiller/CapacityLimit", 100.0) == "Good"


async def test_the_python_client_of_getting_started_prints_value_and_quality(running: Uatwin, tmp_path: Path) -> None:
    ((name, text),) = named_blocks(ROOT / "docs/getting-started.md", "python")
    (tmp_path / name).write_text(text, "utf-8")
    environment = {**os.environ, "UATWIN_URL": running.endpoint}
    command = [sys.executable, str(tmp_path / name)]
    said = await asyncio.to_thread(subprocess.check_output, command, env=environment, text=True)
    assert re.match(r"\d+\.\d+ Good 20\d\d-", said)


async def test_a_dead_station_looks_as_the_tour_says(running: Uatwin) -> None:
    look = dict(_table("6. Break something."))
    tank, pump3 = "SecondaryLoop/Tank/Level", "SecondaryLoop/Pump3/SpeedSetpoint"
    async with seat(running.endpoint, "operator") as client:
        await _inject(client, 8)
        try:
            begun = time.monotonic()
            claims = re.findall(r"(Uncertain\w+) in about (\d+) s", look[f"`Cooling/{tank}`"])
            assert len(claims) == 2
            for status, about_s in claims:
                await _until(client, tank, status, 20)
                assert time.monotonic() - begun == pytest.approx(float(about_s), abs=4)
            assert (await client.read(tank))[0].Value.Value > 10.0
            assert await client.status("PrimaryLoop/Pump1/Speed") == "Good"
            await _until_value(client, "/Connections/station/State", 0)
            assert "cannot be reached" in str(await client.value("/Connections/station/LastError"))
            await _until_value(client, "GoodFraction", pytest.approx(90.8, abs=0.05))
            for words, answer in look.items():
                if write := re.match(r"write (\d+) to `(.*)`", words):
                    assert await client.write(f"/{write[2]}", float(write[1])) == answer.split(":")[0], words
        finally:
            await _clear(client)
        await _until(client, tank, "Good", 30)
        assert await client.write(pump3, 2000.0) == "Good"


async def _until_value(client: Seat, path: str, value: object) -> None:
    begun = time.monotonic()
    while (now := await client.value(path)) != value:
        assert time.monotonic() - begun < 10, f"{path} is {now}, not {value}"
        await asyncio.sleep(0.1)


@pytest.fixture
def make_tree() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tree", ROOT / "docs/images/make_tree.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look there
    spec.loader.exec_module(module)
    return module


def _names(picture: str) -> list[str]:
    """The texts of the address space column."""
    texts = ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    return [text.text or "" for text in texts if int(text.attrib["x"]) < 350]


async def test_the_picture_of_the_tree_is_what_the_server_answers(running: Uatwin, make_tree: ModuleType) -> None:
    committed = (ROOT / "docs/images/tree.svg").read_text("utf-8")
    drawn = make_tree.draw(await make_tree.read_tree(running.endpoint, PASSWORD))
    async with seat(running.endpoint, "operator") as client:
        await _clear(client)
    assert _names(drawn) == _names(committed), "draw it anew: python docs/images/make_tree.py"
    assert drawn.count(">Good<") == committed.count(">Good<")
    assert drawn.count(">UncertainNoCommunicationLastUsableValue<") == 3
    assert len(committed) < 200_000


async def test_extract_features_takes_empty_arguments(running: Uatwin) -> None:
    def arguments(signals: list[str], window: float, step: float) -> list[ua.Variant]:
        times = [ua.Variant(NOT_GIVEN, Kind.DateTime)] * 2
        numbers = [ua.Variant(window, Kind.Double), ua.Variant(step, Kind.Double)]
        return [ua.Variant(signals, Kind.String, is_array=True), *times, *numbers, ua.Variant("", Kind.String)]

    method = "PrimaryLoop/Pump1/Analytics/ExtractFeatures"
    async with seat(running.endpoint, timeout_s=30) as client:
        names, _, values, valid, *_ = await client.results(await client.call(method, *arguments([], 0.0, 0.0)))
        assert valid
        assert f"{len(names)} features" in README
        assert len(values) == len(names)
        begun = time.monotonic()
        while True:
            asked = arguments(["DriveEndBearing/Vibration"], 10.0, 5.0)
            _, times, _, _, reason, *_ = await client.results(await client.call(method, *asked))
            if len(times) > 1:
                break
            assert time.monotonic() - begun < 30, reason
            await asyncio.sleep(0.5)
