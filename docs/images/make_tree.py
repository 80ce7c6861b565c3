"""Draws docs/images/tree.svg: the twins of the demo as an OPC UA client browses and reads them.

    .venv/bin/python docs/images/make_tree.py

It starts `uatwin demo`, switches its CoAP station off, and draws what the server then answers: names, types, values,
StatusCodes. Only which folders are open is decided here, and the protocol behind a tag is that of the plant file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from xml.sax.saxutils import escape

from asyncua import Client, Node, ua

from server.config.load import load_plant

OPEN: Final[dict[str, tuple[str, ...]]] = {
    "Objects": ("Twins", "Connections"),
    "Twins": ("Cooling",),
    "Cooling": ("Identification", "Telemetry", "Commands", "Analytics", "Diagnostics", "PrimaryLoop", "SecondaryLoop"),
    "Cooling/Telemetry": ("CoolingLoad", "TotalPower", "OutdoorTemperature"),
    "Cooling/Commands": ("InjectFault", "Inject", "ClearFaults"),
    "Cooling/Diagnostics": ("GoodFraction",),
    "Cooling/PrimaryLoop": ("Telemetry", "Pump1", "Pump2", "Chiller", "HeatExchanger"),
    "Cooling/PrimaryLoop/Telemetry": ("SupplyTemperature", "Power"),
    "Cooling/PrimaryLoop/Pump1": ("Identification", "Telemetry", "Commands", "Analytics", "DriveEndBearing", "Motor"),
    "Cooling/PrimaryLoop/Pump1/Identification": ("Manufacturer", "SerialNumber"),
    "Cooling/PrimaryLoop/Pump1/Telemetry": ("Speed", "Flow", "Power", "State"),
    "Cooling/PrimaryLoop/Pump1/Commands": ("SpeedSetpoint", "Run", "Start", "SetSpeed"),
    "Cooling/PrimaryLoop/Pump1/Analytics": ("ExtractFeatures",),
    "Cooling/PrimaryLoop/Pump1/DriveEndBearing": ("Telemetry",),
    "Cooling/PrimaryLoop/Pump1/DriveEndBearing/Telemetry": ("Vibration", "Temperature"),
    "Cooling/SecondaryLoop": ("Pump3", "CoolingTower", "Tank"),
    "Cooling/SecondaryLoop/Tank": ("Telemetry", "Commands"),
    "Cooling/SecondaryLoop/Tank/Telemetry": ("Level",),
    "Cooling/SecondaryLoop/Tank/Commands": ("LevelSetpoint",),
    "Connections": ("drives", "station"),
    "Connections/station": ("State",),
}
"""Nodes whose children are shown, and which of them; the others are counted."""
STATION_DEAD: Final = 8
PROTOCOLS: Final = {"modbus": "Modbus TCP", "mqtt": "MQTT", "coap": "CoAP"}
SCOPE_COLOURS: Final = {"process": "#6d28d9", "system": "#0369a1", "asset": "#047857", "component": "#b45309"}
STATUS_COLOURS: Final = {"Good": "#15803d", "Unce": "#b45309", "Bad": "#b91c1c"}
LINE, INDENT, LEFT, TOP, WIDTH = 21, 18, 20, 64, 880
VALUE_X, STATUS_X, PROTOCOL_X = 350, 480, 785
FONT: Final = "Segoe UI, Roboto, Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture. kind: folder, object, variable, property, method or more; opened None for a leaf."""

    depth: int
    name: str
    kind: str
    opened: bool | None = None
    scope: str = ""
    value: str = ""
    status: str = ""
    protocol: str = ""


class Browser:
    """Reads the rows from a server."""

    def __init__(self, client: Client) -> None:
        self._client = client
        plant = load_plant(Path(str(files("server.demo").joinpath("plant.yaml"))))
        drivers = {name: connection.driver for name, connection in plant.connections.items()}
        self._protocols = {tag.path: PROTOCOLS[drivers[tag.connection]] for tag in plant.tags if tag.connection}
        self.rows: list[Row] = []

    async def add(self, node: Node, name: str, depth: int, type_name: str = "") -> None:
        """Append a node, and below it what OPEN says."""
        identifier = str(node.nodeid.Identifier) if isinstance(node.nodeid.Identifier, str) else name
        children = [one for one in await node.get_children_descriptions() if _in_tree(one)]
        shown = OPEN.get(identifier)
        scope = type_name.removesuffix("TwinType").lower() if type_name.endswith("TwinType") else ""
        kind = "object" if scope or type_name not in ("FolderType", "") else "folder"
        self.rows.append(Row(depth, name, kind, shown is not None if children else None, scope))
        for child in children if shown else ():
            if child.BrowseName.Name in (shown or ()):
                await self._child(child, depth + 1)
        left_out = len(children) - len(shown or ())
        if shown and left_out:
            self.rows.append(Row(depth + 1, f"and {left_out} more", "more"))

    async def _child(self, child: ua.ReferenceDescription, depth: int) -> None:
        node, name = self._client.get_node(child.NodeId), str(child.BrowseName.Name)
        if child.NodeClass == ua.NodeClass.Method:
            self.rows.append(Row(depth, f"{name}()", "method"))
        elif child.NodeClass == ua.NodeClass.Variable:
            self.rows.append(await self._variable(node, name, depth, child.ReferenceTypeId))
        else:
            type_node = self._client.get_node(child.TypeDefinition)
            await self.add(node, name, depth, str((await type_node.read_browse_name()).Name))

    async def _variable(self, node: Node, name: str, depth: int, reference: ua.NodeId) -> Row:
        answer = await node.read_data_value(raise_on_bad_status=False)
        properties = {str((await one.read_browse_name()).Name): one for one in await node.get_properties()}
        value = answer.Value.Value if answer.Value is not None else None
        if "ValueAsText" in properties:
            text = str((await properties["ValueAsText"].read_value()).Text)
        elif "EnumStrings" in properties and isinstance(value, int):
            text = str((await properties["EnumStrings"].read_value())[value].Text)
        elif "TrueState" in properties:
            text = str((await properties["TrueState" if value else "FalseState"].read_value()).Text)
        else:
            text = _text_of(value)
        if "EngineeringUnits" in properties:
            unit = (await properties["EngineeringUnits"].read_value()).DisplayName.Text or ""
            text += f" {unit}" if unit != "1" else ""
        kind = "property" if reference == ua.NodeId(ua.Int32(ua.ObjectIds.HasProperty)) else "variable"
        status = answer.StatusCode.name if answer.StatusCode is not None else "Good"
        protocol = self._protocols.get(str(node.nodeid.Identifier), "")
        return Row(depth, name, kind, value=text, status=status, protocol=protocol)


def _text_of(value: object) -> str:
    if isinstance(value, ua.LocalizedText):
        return value.Text or ""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _in_tree(child: ua.ReferenceDescription) -> bool:
    """What a client shows below a node; the standard's own objects are left out of this picture."""
    return int(child.NodeId.NamespaceIndex) != 0


async def read_tree(url: str, password: str) -> list[Row]:
    """Switch the station off, wait until the server says so, and read the rows."""
    client = Client(url, timeout=10)
    client.set_user("operator")
    client.set_password(password)
    async with client:
        plant = await client.get_namespace_index("urn:uatwin:plant:Cooling")

        def node(path: str) -> Node:
            return client.get_node(ua.NodeId(ua.String(path), ua.Int16(plant)))

        await _until(node("Cooling/GoodFraction"), 100.0)
        fault = ua.Variant(STATION_DEAD, ua.VariantType.UInt16)
        await node("Cooling/Commands").call_method(node("Cooling/Inject").nodeid, fault)
        await _until(node("Connections/station/State"), 0)
        await asyncio.sleep(1.2)  # the next round of the diagnostics
        browser = Browser(client)
        await browser.add(client.nodes.objects, "Objects", 0, "FolderType")
        return browser.rows


async def _until(node: Node, wanted: object, within_s: float = 40.0) -> None:
    async with asyncio.timeout(within_s):
        while await node.read_value() != wanted:  # noqa: ASYNC110 (what is waited for is in another process)
            await asyncio.sleep(0.2)


def draw(rows: list[Row]) -> str:
    """The picture."""
    height = TOP + len(rows) * LINE + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="{FONT}" font-size="13">',
        "<title>The demo's twins in an OPC UA client</title>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="#ffffff" stroke="#cbd5e1"/>',
        f'<path d="M1 40 V8 a7 7 0 0 1 7 -7 H{WIDTH - 8} a7 7 0 0 1 7 7 V40 Z" fill="#f1f5f9"/>',
        _text(LEFT, 26, "Address space", "#334155", "600"),
        _text(VALUE_X, 26, "Value", "#334155", "600"),
        _text(STATUS_X, 26, "StatusCode", "#334155", "600"),
        _text(PROTOCOL_X, 26, "Protocol", "#334155", "600"),
        f'<path d="M0 40.5 H{WIDTH}" stroke="#cbd5e1"/>',
    ]
    for number, row in enumerate(rows):
        parts += _draw_row(row, TOP + number * LINE, number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _draw_row(row: Row, y: int, number: int) -> Iterator[str]:
    x = LEFT + row.depth * INDENT
    if number % 2:
        yield f'<rect x="1" y="{y - 15}" width="{WIDTH - 2}" height="{LINE}" fill="#f8fafc"/>'
    if row.opened is not None:
        shape = f"M{x - 4} {y - 7} h8 l-4 5 z" if row.opened else f"M{x - 2} {y - 9} v8 l5 -4 z"
        yield f'<path d="{shape}" fill="#64748b"/>'
    if row.kind == "more":
        yield _text(x + 10, y, row.name, "#94a3b8", style="italic")
        return
    yield _icon(row, x + 10, y)
    yield _text(x + 30, y, row.name, "#0f172a", "600" if row.scope else "400")
    if row.scope:
        colour = SCOPE_COLOURS[row.scope]
        yield f'<rect x="{VALUE_X}" y="{y - 11}" width="84" height="15" rx="7.5" fill="{colour}" fill-opacity="0.12"/>'
        yield _text(VALUE_X + 42, y, row.scope, colour, "600", size=11, anchor="middle")
    if row.status:
        colour = next(colour for start, colour in STATUS_COLOURS.items() if row.status.startswith(start))
        yield _text(VALUE_X, y, row.value, "#0f172a")
        yield _text(STATUS_X, y, row.status, colour, size=12)
        yield _text(PROTOCOL_X, y, row.protocol, "#64748b", size=12)


def _icon(row: Row, x: int, y: int) -> str:
    path, fill, stroke = {
        "folder": (f"M{x} {y - 10} h5 l2 2 h7 v9 h-14 z", "#fbbf24", "#d97706"),
        "object": (f"M{x + 7} {y - 11} l6 3 v6 l-6 3 l-6 -3 v-6 z", "#f1f5f9", SCOPE_COLOURS.get(row.scope, "#64748b")),
        "method": (f"M{x + 2} {y - 9} l9 4.5 l-9 4.5 z", "#c4b5fd", "#7c3aed"),
        "variable": (f"M{x + 1} {y - 9} h12 v9 h-12 z", "#bfdbfe", "#3b82f6"),
        "property": (f"M{x + 1} {y - 9} h12 v9 h-12 z", "#e2e8f0", "#64748b"),
    }[row.kind]
    return f'<path d="{path}" fill="{fill}" stroke="{stroke}" stroke-linejoin="round"/>'


def _text(
    x: int,
    y: int,
    text: str,
    colour: str,
    weight: str = "400",
    *,
    size: int = 13,
    anchor: str = "start",
    style: str = "",
) -> str:
    more = f' font-style="{style}"' if style else ""
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" font-weight="{weight}" font-size="{size}" text-anchor="{anchor}"{more}>'
        f"{escape(text)}</text>"
    )


@contextmanager
def _demo(password: str) -> Iterator[str]:
    """The endpoint of a demo of its own."""
    options = [
        "--endpoint",
        "opc.tcp://127.0.0.1:0/uatwin",
        "--modbus-port",
        "0",
        "--mqtt-port",
        "0",
        "--coap-port",
        "0",
    ]
    environment = {**os.environ, "UATWIN_DEMO_PASSWORD": password, "COLUMNS": "120"}
    with TemporaryDirectory() as pki:
        command = [str(Path(sys.executable).with_name("uatwin")), "demo", "--pki", pki, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            try:
                lines = (re.search(r"opc\.tcp://\S+", line) for line in process.stdout)
                yield next(found[0] for found in lines if found)
            finally:
                process.terminate()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("tree.svg"))
    out = parser.parse_args().out
    password = secrets.token_urlsafe(9)
    with _demo(password) as url:
        out.write_text(draw(asyncio.run(read_tree(url, password))), "utf-8")
    print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
