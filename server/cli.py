"""The command `uatwin`: reads its arguments, starts what is asked for, and turns failures into messages and exit codes.

Exit codes: 0 good, 1 failed while running, 2 wrong input.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from server import remote_commands, runner
from server.alarm_command import show_alarms
from server.bench import run_benchmarks
from server.call_command import verbs as calls
from server.config.check_report import check as check_plant
from server.config.models import ServerSettings
from server.demo.launcher import Ports
from server.discover import discover as discover_device
from server.history_command.verbs import history
from server.interchange.verbs import exports, imports
from server.probe_command import probe_devices
from server.security import user_commands

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Modbus, MQTT and CoAP devices as digital twins of one OPC UA server.",
    epilog="Exit codes: 0 good, 1 failed while running, 2 wrong input. Begin with: uatwin demo",
)
users = typer.Typer(no_args_is_help=True, help="Who may log in: the accounts of a users file.")
app.add_typer(users, name="users")
app.add_typer(imports, name="import")
app.add_typer(exports, name="export")
app.add_typer(history, name="history")
app.command("call")(calls.call)
app.command("read")(calls.read)
app.command("write")(calls.write)

_PORTS = Ports()


def _endpoint(url: str | None) -> str | None:
    if url is not None:
        try:
            ServerSettings(endpoint=url)
        except ValidationError as error:
            raise typer.BadParameter(f"{url} {error.errors()[0]['msg']}") from error
    return url


def _port(of: str) -> Any:
    return typer.Option(help=f"Port of {of}; 0: any.", min=0, max=65535)


Endpoint = Annotated[
    str | None, typer.Option(help="Listen here, e.g. opc.tcp://0.0.0.0:4840/uatwin", callback=_endpoint)
]
Seconds = Annotated[float | None, typer.Option(help="Stop by itself after serving so many seconds.", min=0)]
PkiDir = Annotated[
    Path | None,
    typer.Option("--pki", help="Folder of certificates; told at the start.", show_default="in the user data folder"),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens in detail.")]
PlantFile = Annotated[Path, typer.Argument(help="The plant file (YAML).", metavar="PLANT.yaml")]
UsersFile = Annotated[Path, typer.Argument(help="The users file that the plant file names.", metavar="USERS.yaml")]
UserName = Annotated[str, typer.Argument(help="Name of the user.", metavar="NAME")]


@app.command()
def demo(
    endpoint: Endpoint = None,
    pki: PkiDir = None,
    seconds: Seconds = None,
    speed: Annotated[float, typer.Option(help="Simulated seconds per second.", min=0.1, max=100)] = 1.0,
    modbus_port: Annotated[int, _port("the simulated Modbus device")] = _PORTS.modbus,
    mqtt_port: Annotated[int, _port("the simulated plant's MQTT broker")] = _PORTS.mqtt,
    coap_port: Annotated[int, _port("the simulated CoAP device")] = _PORTS.coap,
    verbose: Verbose = False,
) -> None:
    """Bridge a simulated cooling plant: Modbus, MQTT and CoAP devices on real sockets of this computer."""
    _log(verbose)
    ports = Ports(modbus_port, mqtt_port, coap_port)
    raise typer.Exit(asyncio.run(runner.run_demo(endpoint, pki, seconds, speed, ports)))


@app.command()
def run(
    plant: PlantFile,
    endpoint: Endpoint = None,
    pki: PkiDir = None,
    seconds: Seconds = None,
    verbose: Verbose = False,
) -> None:
    """Bridge the plant of a plant file, until Ctrl-C."""
    _log(verbose)
    raise typer.Exit(asyncio.run(runner.run_plant(plant, endpoint, pki, seconds)))


@app.command()
def check(
    plant: PlantFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    probe: Annotated[bool, typer.Option("--probe", help="Then ask each device once; more: uatwin probe.")] = False,
) -> None:
    """Validate a plant file without touching the network, and show what it would do."""
    code = check_plant(plant, as_json)
    if code == 0 and probe:
        code = asyncio.run(runner.probe_plant(plant, as_json))
    raise typer.Exit(code)


@app.command()
def probe(
    plant: PlantFile,
    connection: Annotated[
        str | None, typer.Argument(help="One of its connections; without it, all.", metavar="CONNECTION")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a tag.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", help="Seconds that devices which push may take.", min=0)] = 10.0,
    verbose: Verbose = False,
) -> None:
    """Read everything once and show each tag with its bytes, value, unit and status."""
    _log(verbose)
    raise typer.Exit(probe_devices(plant, connection, as_json, wait_s))


@app.command()
def alarms(
    plant: PlantFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one entry an alarm.")] = False,
    hours: Annotated[
        float, typer.Option(help="How far to look back in the kept events, where no bridge runs.", min=0.1, max=10_000)
    ] = 24.0,
) -> None:
    """Show every rule with its limits, severity, delay, cause and response, and the alarms that come most often."""
    raise typer.Exit(show_alarms(plant, as_json, hours))


@app.command()
def reload(
    plant: Annotated[Path, typer.Argument(help="The plant file of a bridge that runs here.", metavar="PLANT.yaml")],
) -> None:
    """Let the running bridge take over its changed plant file; one with errors is refused whole."""
    raise typer.Exit(remote_commands.reload_plant(plant))


@app.command()
def trace(
    connection: Annotated[str, typer.Argument(help="Name of a connection in the plant file.", metavar="CONNECTION")],
    plant: Annotated[
        str | None, typer.Option(help="Name of the plant, where several run here.", metavar="NAME")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop by itself after so many seconds.", min=0)] = None,
) -> None:
    """Print the frames of one connection of the running bridge as they go and come."""
    raise typer.Exit(remote_commands.trace(connection, plant, seconds))


@app.command()
def discover(
    url: Annotated[str, typer.Argument(help="The device or broker: coap://HOST, mqtt://HOST, mqtts://USER@HOST:PORT.")],
    out: Annotated[Path | None, typer.Option(help="Write here instead of to the terminal.")] = None,
    name: Annotated[str, typer.Option(help="What the connection is to be called.")] = "device",
    topic: Annotated[
        list[str] | None,
        typer.Option(help="MQTT: listen to these; + and {name} tell twins apart: 'plant/{area}/pump/+/#'. Default: #."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="MQTT: how long to listen.", min=0.1, max=86_400)] = 10.0,
    verbose: Verbose = False,
) -> None:
    """Ask a CoAP device what it has, or listen to an MQTT broker, and write it as a piece of a plant file."""
    _log(verbose)
    raise typer.Exit(discover_device(url, name, out, topic or ("#",), seconds))


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="For example notify; without it, all.", metavar="NAME")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON lines.")] = False,
) -> None:
    """Run the benchmarks of a checkout: one JSON object a line."""
    raise typer.Exit(run_benchmarks(name, quiet=as_json))


@users.command("add")
def users_add(
    file: Annotated[Path, typer.Argument(help="The users file; made when it is missing.", metavar="USERS.yaml")],
    name: UserName,
    role: Annotated[
        list[str],
        typer.Option(
            help="Observer reads; Operator, Engineer, Supervisor and ConfigureAdmin also write. May be repeated."
        ),
    ],
    password: Annotated[
        str,
        typer.Option(
            help="Asked for where it is not given.",
            prompt=True,
            confirmation_prompt=True,
            hide_input=True,
            envvar="UATWIN_PASSWORD",
        ),
    ],
) -> None:
    """Add a user, or change password and roles."""
    raise typer.Exit(user_commands.add(file, name, password, role))


@users.command("remove")
def users_remove(file: UsersFile, name: UserName) -> None:
    """Remove a user."""
    raise typer.Exit(user_commands.remove(file, name))


@users.command("list")
def users_list(file: UsersFile) -> None:
    """List users and their roles."""
    raise typer.Exit(user_commands.show(file))


def _log(verbose: bool) -> None:
    logging.basicConfig(
        format="%(asctime)s %(levelname)-8s %(name)s: %(message)s", level=logging.INFO if verbose else logging.WARNING
    )
    for name in ("drivers.link", "server.acquisition", "server.creator", "server.remote"):  # what an operator hears
        logging.getLogger(name).setLevel(logging.INFO)
    for name in ("asyncua", "coap", "coap-server", "transitions"):  # they tell their own developers
        logging.getLogger(name).setLevel(logging.WARNING if verbose else logging.ERROR)
    # the demo's broker calls it an error when a client leaves before its first packet; what stops it is raised
    logging.getLogger("amqtt").setLevel(logging.WARNING if verbose else logging.CRITICAL)


def main() -> None:
    """Entry point of the console script."""
    app()
