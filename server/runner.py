"""Runs the bridge for the command line: loads the plant, watches for Ctrl-C, and tells failures in words."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from server.acquisition.probe import probe
from server.address_space import AddressSpaceError
from server.app import Bridge
from server.config.load import PlantFileError, load_plant
from server.config.plant import Plant
from server.demo.launcher import DemoFailed, DemoProcess, Ports, start_demo_process, write_plant_file
from server.screen import Screen
from server.security.pki import PkiError
from server.security.users import UsersError, add_user
from server.services.options import MODERN_POLICIES, POLICY_NONE, UaServerOptions

FAILED: Final = 1
WRONG_INPUT: Final = 2
DEMO_USERS: Final = {"viewer": "Observer", "operator": "Operator", "engineer": "Engineer", "admin": "ConfigureAdmin"}
DEMO_ENDPOINT: Final = "opc.tcp://127.0.0.1:4840/uatwin"


async def run_plant(file: Path, endpoint: str | None, pki: Path, seconds: float | None) -> int:
    """Bridge the plant of that file until Ctrl-C or for so many seconds; returns the exit code."""
    try:
        plant = load_plant(file)
    except PlantFileError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    server = plant.server
    options = UaServerOptions(
        pki_dir=pki,
        endpoint_url=endpoint or server.endpoint,
        users_file=server.users_file,
        allow_anonymous=server.allow_anonymous,
        policies=tuple(server.policies),
        nat_host=server.nat_host,
    )
    return await _serve(plant, options, seconds, Screen(plant))


async def run_demo(endpoint: str | None, pki: Path, seconds: float | None, speed: float, ports: Ports) -> int:
    """Start the simulated plant and bridge it; returns the exit code."""
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


async def _bridge_demo(
    folder: Path, devices: DemoProcess, endpoint: str | None, pki: Path, seconds: float | None
) -> int:
    plant = load_plant(write_plant_file(folder, devices.ports))
    passwords = {name: os.environ.get("UATWIN_DEMO_PASSWORD") or secrets.token_urlsafe(9) for name in DEMO_USERS}
    for name, role in DEMO_USERS.items():
        await asyncio.to_thread(add_user, folder / "users.yaml", name, passwords[name], [role])
    options = UaServerOptions(
        pki_dir=pki,
        endpoint_url=endpoint or DEMO_ENDPOINT,
        users_file=folder / "users.yaml",
        policies=(POLICY_NONE, *MODERN_POLICIES),
    )
    return await _serve(plant, options, seconds, Screen(plant, passwords, devices.ports))


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


async def _serve(plant: Plant, options: UaServerOptions, seconds: float | None, screen: Screen) -> int:
    """Run the bridge until a signal comes or the time is over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        bridge = Bridge(plant, options)
        serving = asyncio.create_task(bridge.run(lambda: screen.show_start(bridge.server.endpoint_url)))
        watching = asyncio.create_task(screen.watch(bridge.figures))
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([serving, waiting], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, watching, waiting):
            task.cancel()
        await asyncio.wait([serving, watching, waiting])
        if not serving.cancelled():
            serving.result()
    except (AddressSpaceError, PkiError, UsersError) as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    except OSError as error:
        print(_why_not_listening(options.endpoint_url, error), file=sys.stderr)
        return FAILED
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


def _why_not_listening(endpoint: str, error: OSError) -> str:
    return (
        f"cannot serve {endpoint}: {error.strerror or error}; choose another with --endpoint opc.tcp://HOST:PORT/uatwin"
    )
