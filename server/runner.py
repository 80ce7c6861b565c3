"""Runs the bridge for the command line: loads the plant, watches for Ctrl-C, and tells failures in words."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from platformdirs import user_data_path

from server.acquisition.probe import probe
from server.address_space import AddressSpaceError
from server.app import Bridge
from server.config import created
from server.config.load import PlantFileError, load_plant
from server.config.plant import Plant
from server.control import listening, socket_path
from server.creator import Creator
from server.demo.launcher import DemoFailed, DemoProcess, Ports, start_demo_process, write_plant_file
from server.remote import Remote
from server.screen import Screen
from server.security.pki import PkiError
from server.security.users import UsersError, add_user
from server.services.options import MODERN_POLICIES, POLICY_NONE, Limits, UaServerOptions

FAILED: Final = 1
WRONG_INPUT: Final = 2
DEMO_USERS: Final = {"viewer": "Observer", "operator": "Operator", "engineer": "Engineer", "admin": "ConfigureAdmin"}
DEMO_ENDPOINT: Final = "opc.tcp://127.0.0.1:4840/uatwin"


async def run_plant(file: Path, endpoint: str | None, pki: Path | None, seconds: float | None) -> int:
    """Bridge the plant of that file until Ctrl-C or for so many seconds of serving; returns the exit code."""
    try:
        plant = load_plant(file)
    except PlantFileError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    server = plant.server
    options = UaServerOptions(
        pki_dir=pki or user_data_path("uatwin") / "pki" / plant.name,
        endpoint_url=endpoint or server.endpoint,
        application_uri=server.application_uri or _application_uri(plant),
        users_file=server.users_file,
        allow_anonymous=server.allow_anonymous,
        policies=tuple(server.policies),
        nat_host=server.nat_host,
        limits=Limits(max_sessions=server.max_sessions),
        data_dir=data_folder(plant),
    )
    return await _until_signal(_serve(plant, file, options, seconds, Screen(plant, options)))


def data_folder(plant: Plant) -> Path:
    """Where all lies that outlives a restart of a plant's bridge."""
    return created.data_folder(plant.name, plant.server)


async def run_demo(endpoint: str | None, pki: Path | None, seconds: float | None, speed: float, ports: Ports) -> int:
    """Start the simulated plant and bridge it until Ctrl-C or for so many seconds of serving; returns the exit code."""
    folder = pki or user_data_path("uatwin") / "demo-pki"
    return await _until_signal(_demo(endpoint or DEMO_ENDPOINT, folder, seconds, speed, ports))


async def _demo(endpoint: str, pki: Path, seconds: float | None, speed: float, ports: Ports) -> int:
    with tempfile.TemporaryDirectory(prefix="uatwin-demo-") as folder:
        try:
            devices = await start_demo_process(ports, speed=speed)
        except DemoFailed as error:
            print(error, file=sys.stderr)
            return FAILED
        try:
            return await _bridge_demo(Path(folder), devices, endpoint, pki, seconds)
        finally:
            await devices.stop()


async def _bridge_demo(folder: Path, devices: DemoProcess, endpoint: str, pki: Path, seconds: float | None) -> int:
    file = write_plant_file(folder, devices.ports)
    plant = load_plant(file)
    passwords = {name: os.environ.get("UATWIN_DEMO_PASSWORD") or secrets.token_urlsafe(9) for name in DEMO_USERS}
    for name, role in DEMO_USERS.items():
        await asyncio.to_thread(add_user, folder / "users.yaml", name, passwords[name], [role])
    options = UaServerOptions(
        pki_dir=pki,
        endpoint_url=endpoint,
        application_uri=_application_uri(plant),
        users_file=folder / "users.yaml",
        policies=(POLICY_NONE, *MODERN_POLICIES) if _on_loopback(endpoint) else MODERN_POLICIES,
        data_dir=folder / "data",  # a plant that begins anew at each start has no past
    )
    return await _serve(plant, file, options, seconds, Screen(plant, options, passwords, devices.ports))


async def probe_plant(file: Path, as_json: bool) -> int:
    """Ask each device of a plant file once and tell what it answered; returns the exit code."""
    answers = await probe(load_plant(file))
    for answer in answers:
        if as_json:
            fields = ("connection", "tags", "good", "problems", "error")
            print(json.dumps({"probe": {field: getattr(answer, field) for field in fields}}))
            continue
        print(f"{answer.connection}: {answer.error or f'{answer.good} of {answer.tags} tags Good'}")
        for problem in answer.problems:
            print(f"  {problem}")
    return 0 if all(answer.works for answer in answers) else FAILED


async def _until_signal(work: Coroutine[Any, Any, int]) -> int:
    """The exit code of the work; 0 when SIGINT or SIGTERM ended it. A second signal does not disturb its clean end."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    tasks = working, _ = asyncio.create_task(work), asyncio.create_task(told.wait())
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return 0 if working.cancelled() else working.result()


async def _serve(plant: Plant, file: Path, options: UaServerOptions, seconds: float | None, screen: Screen) -> int:
    """Run the bridge until the time is over; tells why it cannot."""
    try:
        await _bridge(Bridge(plant, options), file, seconds, screen)
    except (AddressSpaceError, PkiError, UsersError) as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    except OSError as error:
        print(_why_not(options, error), file=sys.stderr)
        return FAILED
    return 0


async def _bridge(bridge: Bridge, file: Path, seconds: float | None, screen: Screen) -> None:
    serving = asyncio.Event()

    def started() -> None:
        screen.show_start(bridge.server.endpoint_url)
        serving.set()

    async def time_over() -> None:
        await serving.wait()
        await asyncio.sleep(seconds or 0)

    work = [asyncio.create_task(bridge.run(started)), asyncio.create_task(screen.watch(bridge.figures))]
    if seconds is not None:
        work.append(asyncio.create_task(time_over()))
    remote = Remote(bridge, file)
    work.append(asyncio.create_task(Creator(bridge, file, remote.turn).run()))
    stop_listening = remote.reload_on_hangup()
    try:
        async with listening(socket_path(bridge.plant.name), remote.verbs):
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop_listening()
        for task in work:
            task.cancel()
        await asyncio.wait(work)
    for task in work:
        if not task.cancelled():
            task.result()


def _application_uri(plant: Plant) -> str:
    return f"urn:{socket.gethostname()}:uatwin:{plant.name}"


def _on_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why_not(options: UaServerOptions, error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; choose another folder of certificates with --pki"
    why = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
    return f"cannot serve {options.endpoint_url}: {why}; choose another with --endpoint opc.tcp://HOST:PORT/uatwin"
