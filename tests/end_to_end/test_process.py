"""The command as a process: its end, its exit codes, what it leaves behind, and what it says when it cannot start."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import psutil
import pytest

from server.demo.launcher import Ports, write_plant_file
from tests.simulators.demo_run import ANY_PORTS, COMMAND, FREE_ENDPOINT, PASSWORD, Devices, Uatwin, bridge, demo, seat

USERS = ("viewer", "operator", "engineer", "admin")


def _ask(*arguments: str, command: tuple[str, ...] = COMMAND, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=50, env={**os.environ, **environment}
    )


def _leftovers(process: Uatwin, children: list[psutil.Process]) -> list[str]:
    _, alive = psutil.wait_procs(children, timeout=3)
    return [str(child) for child in alive] + [str(file) for file in process.tmp.iterdir()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
async def test_a_signal_stops_it_within_two_seconds_and_nothing_is_left(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as process:
        async with seat(process.endpoint) as client:
            await client.until_all_good()
            await client.start_worker()
            children = process.children()
            assert len(children) == 2  # devices, analytics worker
            assert len(list(process.tmp.glob("uatwin-demo-*"))) == 1
            took = process.stop(number)
        assert process.wait() == 0
        assert took < 2.0
        assert process.complained == ""
        assert _leftovers(process, children) == []


@pytest.mark.parametrize("after_s", [1.2, 2.2])
def test_a_signal_while_it_starts_leaves_nothing_behind(tmp_path: Path, after_s: float) -> None:
    with Uatwin(tmp_path, "demo", *FREE_ENDPOINT, *ANY_PORTS, "--pki", str(tmp_path / "pki")) as process:
        time.sleep(after_s)
        children = process.children()
        took = process.stop(signal.SIGINT)
        assert took < 3.0
        assert _leftovers(process, children) == []
        assert "Traceback" not in process.complained or "import" in process.complained


async def test_when_it_is_killed_its_devices_and_workers_end_as_well(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        async with seat(process.endpoint) as client:
            await client.start_worker()
        children = process.children()
        assert len(children) >= 2  # the plant, and as many workers as there was work for
        process.stop(signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=20)  # a worker that is just starting looks when it has started
        assert alive == []


def test_it_stops_by_itself_having_told_its_passwords_once_and_made_its_certificate_folder(tmp_path: Path) -> None:
    pki = tmp_path / "plant" / "pki"
    options = ("demo", *FREE_ENDPOINT, *ANY_PORTS, "--pki", str(pki), "--seconds", "0.5")
    ended = _ask(*options, command=(sys.executable, "-m", "server"), UATWIN_DEMO_PASSWORD="")
    assert (ended.returncode, ended.stderr) == (0, "")
    passwords = re.findall(rf"\b({'|'.join(USERS)}) +(\S{{12}}) ", ended.stdout)
    assert [user for user, _ in passwords] == list(USERS)
    assert len({password for _, password in passwords}) == len(USERS)
    assert all(ended.stdout.count(password) == 1 for _, password in passwords)
    folders = {str(path.relative_to(pki)) for path in pki.rglob("*") if path.is_dir()}
    wanted = {"own/certs", "own/private", "trusted/certs", "trusted/crl", "issuers/certs", "issuers/crl"}
    assert folders == wanted | {"own", "trusted", "issuers", "rejected", "rejected/certs"}
    assert (pki / "own/private/server.pem").stat().st_mode & 0o777 == 0o600
    own = (pki / "own/certs/server.der").read_bytes()
    assert _ask(*options).returncode == 0
    assert (pki / "own/certs/server.der").read_bytes() == own


def test_a_data_folder_that_takes_no_socket_does_not_stop_the_bridge(tmp_path: Path) -> None:
    options = ("demo", *FREE_ENDPOINT, *ANY_PORTS, "--pki", str(tmp_path / "pki"), "--seconds", "0.1")
    ended = _ask(*options, XDG_DATA_HOME=str(tmp_path / ("long" * 30)))
    assert ended.returncode == 0
    (line,) = ended.stderr.splitlines()
    assert "do not reach this bridge" in line


@contextmanager
def _taken(kind: socket.SocketKind) -> Iterator[int]:
    with socket.socket(type=kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        yield int(other.getsockname()[1])


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ("--modbus-port", socket.SOCK_STREAM),
        ("--mqtt-port", socket.SOCK_STREAM),
        ("--coap-port", socket.SOCK_DGRAM),
        ("--endpoint", socket.SOCK_STREAM),
    ],
)
def test_a_taken_port_is_told_in_one_line_with_the_option_that_helps(
    tmp_path: Path, option: str, kind: socket.SocketKind
) -> None:
    given = dict(zip(ANY_PORTS[::2], ANY_PORTS[1::2], strict=True)) | {FREE_ENDPOINT[0]: FREE_ENDPOINT[1]}
    with _taken(kind) as port:
        given[option] = f"opc.tcp://127.0.0.1:{port}/uatwin" if option == "--endpoint" else str(port)
        arguments = [text for pair in given.items() for text in pair]
        ended = _ask("demo", *arguments, "--pki", str(tmp_path), "--seconds", "5")
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert str(port) in line
    assert option in line
    assert "is taken" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--endpoint", "nonsense"), "nonsense is not an endpoint; like opc.tcp://0.0.0.0:4840"),
        (("--endpoint", "opc.tcp://127.0.0.1:99999"), "is not an endpoint"),
        (("--modbus-port", "70000"), "--modbus-port"),
        (("--speed", "0"), "--speed"),
    ],
)
def test_a_wrong_option_is_wrong_input(arguments: tuple[str, ...], words: str) -> None:
    ended = _ask("demo", *arguments)
    assert ended.returncode == 2
    assert words in " ".join(ended.stderr.replace("│", " ").split())
    assert "Traceback" not in ended.stderr


def test_a_certificate_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    pki = str(tmp_path / "file" / "pki")
    ended = _ask("demo", *FREE_ENDPOINT, *ANY_PORTS, "--pki", pki, "--seconds", "1")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert pki in line
    assert "--pki" in line


def test_a_plant_file_that_is_missing_is_wrong_input(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.yaml")
    for command in ("run", "check"):
        ended = _ask(command, missing)
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"{missing}:1:1: ")
        assert "Traceback" not in ended.stderr


def test_check_shows_a_good_plant_and_tells_every_error_of_a_bad_one(tmp_path: Path) -> None:
    plant = tmp_path / "plant.yaml"
    shutil.copy(str(files("server.demo").joinpath("plant.yaml")), plant)
    good = _ask("check", str(plant))
    assert good.returncode == 0
    assert "31 twins, 150 tags" in good.stdout
    counted = json.loads(_ask("check", str(plant), "--json").stdout)
    assert (counted["twins"], counted["tags"]) == (31, 150)
    lines = plant.read_text().splitlines()
    unit = next(number for number, line in enumerate(lines) if line.strip() == "unit: KWT")
    key = next(number for number, line in enumerate(lines) if line.strip().startswith("within_s:"))
    lines[unit] = lines[unit].replace("KWT", "KWAT")
    lines[key] = lines[key].replace("within_s", "whithin_s")
    plant.write_text("\n".join(lines))
    bad = _ask("check", str(plant))
    assert bad.returncode == 2
    for line in (unit, key):
        assert re.search(rf"^{re.escape(str(plant))}:{line + 1}:\d+: \S", bad.stderr, re.M), bad.stderr
    assert _ask("run", str(plant)).returncode == 2


def test_probe_asks_each_device_once_and_says_which_is_away(tmp_path: Path) -> None:
    with Devices() as devices:
        good = _ask("check", str(write_plant_file(tmp_path, devices.ports)), "--probe")
        assert good.returncode == 0, good.stdout + good.stderr
        for name in ("drives", "controller", "broker", "station"):
            assert re.search(rf"^{name}: (\d\d) of \1 tags Good$", good.stdout, re.M), good.stdout
        with _taken(socket.SOCK_STREAM) as unused:
            pass
        ports = Ports(unused, devices.ports.mqtt, devices.ports.coap)
        away = _ask("check", str(write_plant_file(tmp_path, ports)), "--probe", "--json")
    assert away.returncode == 1
    probes = [json.loads(line)["probe"] for line in away.stdout.splitlines() if line.startswith('{"probe"')]
    assert {probe["connection"] for probe in probes if probe["error"]} == {"drives", "controller"}


def test_run_serves_a_plant_for_so_many_seconds(tmp_path: Path) -> None:
    with Devices() as devices, bridge(tmp_path, devices.ports) as process:
        assert "nobody" not in process.said
        assert process.stop(signal.SIGTERM) < 2.0
        assert process.wait() == 0
        assert process.complained == ""
    assert PASSWORD not in (tmp_path / "users.yaml").read_text()
