"""docs/adding-a-driver.md: the driver it shows is found, checks, reads, writes, and survives its device."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from drivers.data_types import DataType, from_cells
from drivers.driver import Binding, Polled, Writable
from drivers.errors import LinkLost, Refused
from tests.simulators.documents import ROOT, blocks, named_blocks, run, says, shown_commands

PAGE = ROOT / "docs/adding-a-driver.md"


class LinesDevice:
    """A device that the page is about. silent: it takes requests and answers nothing."""

    def __init__(self) -> None:
        self.values = {"temperature": 181.5, "setpoint": 180.0}
        self.silent = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            what, name, *value = line.decode().split()
            if self.silent:
                continue
            if name not in self.values or (value and float(value[0]) > 300):
                answer = "ERROR no"
            elif what == "SET":
                self.values[name], answer = float(value[0]), "OK"
            else:
                answer = str(self.values[name])
            writer.write(answer.encode() + b"\n")
        writer.close()


@pytest.fixture
async def device() -> AsyncIterator[LinesDevice]:
    it = LinesDevice()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    yield it
    server.close()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The folder of the page's driver, installed as pip would."""
    for name, text in named_blocks(PAGE, "python"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, "utf-8")
    told = tmp_path / "lines-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: lines\nVersion: 1\n")
    (told / "entry_points.txt").write_text(_entry_points())
    return tmp_path


def _entry_points() -> str:
    """The toml block of the page, as it is written at installation."""
    (text,) = blocks(PAGE, "toml")
    return text.replace('[project.entry-points."uatwin.drivers"]', "[uatwin.drivers]").replace('"', "")


@pytest.fixture
def lines(package: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("lines_of_the_guide", package / "lines/__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _bindings(lines: ModuleType, *names: str) -> list[Binding]:
    return [
        Binding(row, name, DataType.Double, 0, lines.point_model(name=name), 1.0, True)
        for row, name in enumerate(names)
    ]


async def test_the_command_shown_finds_the_driver_and_reads_the_device(device: LinesDevice, package: Path) -> None:
    ((_, plant),) = named_blocks(PAGE, "yaml")
    (package / "plant.yaml").write_text(plant.replace("port: 7000", f"port: {device.port}"), "utf-8")
    (shown,) = shown_commands(PAGE)
    code, said = await asyncio.to_thread(run, shown, package, {"PYTHONPATH": str(package)})
    assert says(shown, said), said
    assert code == 0


async def test_the_driver_reads_and_writes_and_passes_refusals_on(device: LinesDevice, lines: ModuleType) -> None:
    settings = lines.connection_model(host="127.0.0.1", port=device.port, timeout_s=0.2)
    driver = lines.create("oven", settings, _bindings(lines, "temperature", "setpoint", "nothing"))
    assert isinstance(driver, Polled)
    assert isinstance(driver, Writable)
    await driver.connect()
    readings = await driver.read(driver.groups[0])
    assert from_cells(readings.value, DataType.Double)[:2].tolist() == [181.5, 180.0]
    assert [hex(status) for status in readings.status] == ["0x0", "0x0", "0x80890000"]
    await driver.write(1, 200.0)
    assert device.values["setpoint"] == 200.0
    with pytest.raises(Refused, match="ERROR no"):
        await driver.write(1, 400.0)
    device.silent = True
    with pytest.raises(LinkLost):
        await driver.read_rows([0])
    device.silent = False
    with pytest.raises(LinkLost, match="not connected"):
        await driver.read_rows([0])
    await driver.connect()
    assert len(await driver.read_rows([0])) == 1
    await driver.close()


def test_the_driver_names_the_setting_that_is_wrong(lines: ModuleType) -> None:
    wrong = Binding(0, "Oven/Text", DataType.String, 0, lines.point_model(name="text"), 1.0, False)
    (problem,) = lines.check(lines.connection_model(host="h"), [wrong])
    assert (problem.binding, problem.key) == (0, "type")
    assert "lines_of_the_guide" not in sys.modules
