"""The demo's CoAP device: a weather and tank station with observable resources, and PUT for its two setpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping

from aiocoap import CHANGED, CONFLICT, CONTENT, Context, Message
from aiocoap.error import BadRequest
from aiocoap.numbers import ContentFormat
from aiocoap.resource import ObservableResource, Site, WKCResource

from server.demo.faults import Fault
from server.demo.physics import CoolingPlant, NotNow, OutOfRange
from server.demo.sensors import SECONDARY, Instruments

_TANK = f"{SECONDARY}/Tank"
READINGS: dict[str, dict[str, str]] = {
    "weather": {
        "temperature": "OutdoorTemperature",
        "humidity": "OutdoorHumidity",
        "wet_bulb": "WetBulbTemperature",
        "wind": "WindSpeed",
        "irradiance": "SolarIrradiance",
    },
    "water": {"make_up": f"{SECONDARY}/MakeUpFlow", "conductivity": f"{SECONDARY}/Conductivity"},
    "tank/valves": {"make_up": f"{_TANK}/MakeUpValve/Position", "drain": f"{_TANK}/DrainValve/Position"},
}
"""Resource -> JSON key -> instrument; each has "t", Unix seconds, as well."""
SENML: dict[str, tuple[str, str]] = {
    "level": ("%", f"{_TANK}/Level"),
    "temperature": ("Cel", f"{_TANK}/Temperature"),
    "volume": ("m3", f"{_TANK}/Volume"),
}
"""Record -> unit and instrument of the SenML resource "tank"; the base name is "tank/"."""
SETPOINTS = {"tank/level_setpoint": f"{_TANK}/LevelSetpoint", "tank/drain": f"{_TANK}/DrainValve/PositionSetpoint"}
"""Resource -> command: GET, Observe and PUT of a number, as text or JSON ({"value": 50})."""
_MAX_AGE_S = 5


class _Reading(ObservableResource):  # type: ignore[misc]
    """Something to GET and observe."""

    def __init__(self, render: Callable[[], bytes], content_format: int) -> None:
        super().__init__()
        self._render = render
        self._format = content_format

    async def render_get(self, request: Message) -> Message:
        return Message(code=CONTENT, payload=self._render(), content_format=self._format, max_age=_MAX_AGE_S)


class _Setpoint(_Reading):
    """Something to PUT as well."""

    def __init__(self, render: Callable[[], bytes], write: Callable[[float], None]) -> None:
        super().__init__(render, ContentFormat.JSON)
        self._write = write

    async def render_put(self, request: Message) -> Message:
        try:
            document = json.loads(request.payload)
            self._write(float(document["value"] if isinstance(document, dict) else document))
        except NotNow as refusal:
            return Message(code=CONFLICT, payload=str(refusal).encode())
        except OutOfRange as refusal:
            raise BadRequest(str(refusal)) from refusal
        except (ValueError, TypeError, KeyError) as error:
            raise BadRequest('the payload is a number or {"value": number}') from error
        self.updated_state()
        return Message(code=CHANGED)


class CoapStation:
    """One CoAP server on UDP; `notify` tells all observers."""

    def __init__(self, plant: CoolingPlant, instruments: Instruments, commanded: Callable[[], None]) -> None:
        self._plant = plant
        self._instruments = instruments
        self._commanded = commanded
        self._context: Context | None = None
        self._resources: list[_Reading] = []
        self._address = ("", 0)

    async def start(self, host: str, port: int) -> None:
        """Bind the port. Raises OSError when it is taken."""
        self._address = (host, port)
        self._context = await Context.create_server_context(
            self._site(), bind=(host, port), transports=["simplesocketserver"]
        )

    async def stop(self) -> None:
        """Close the socket; observers are not told, as when a device loses its power."""
        if self._context is not None:
            await self._context.shutdown()
            self._context = None

    async def notify(self) -> None:
        """Send the readings to all observers; comes and goes with its fault."""
        dead = Fault.StationDead in self._plant.faults
        if dead and self._context is not None:
            await self.stop()
        elif not dead and self._context is None:
            await self.start(*self._address)
        if self._context is not None:
            for resource in self._resources:
                resource.updated_state()

    def _site(self) -> Site:
        site = Site()
        self._resources = []
        for name, fields in READINGS.items():
            self._add(site, name, _Reading(lambda fields=fields: self._json(fields), ContentFormat.JSON))  # type: ignore[misc]
        self._add(site, "tank", _Reading(self._senml, ContentFormat.SENML))
        for name, path in SETPOINTS.items():
            self._add(site, name, self._setpoint(path))
        site.add_resource([".well-known", "core"], WKCResource(site.get_resources_as_linkheader))
        return site

    def _add(self, site: Site, name: str, resource: _Reading) -> None:
        site.add_resource(name.split("/"), resource)
        self._resources.append(resource)

    def _setpoint(self, path: str) -> _Setpoint:
        def write(value: float) -> None:
            self._plant.command(path, value)
            self._commanded()

        return _Setpoint(lambda: self._json({"value": path}), write)

    def _json(self, fields: Mapping[str, str]) -> bytes:
        body = {key: round(float(self._instruments.values[path]), 4) for key, path in fields.items()}
        return json.dumps({"t": round(time.time(), 3), **body}).encode()

    def _senml(self) -> bytes:
        pack: list[dict[str, object]] = [
            {"n": name, "u": unit, "v": round(float(self._instruments.values[path]), 4)}
            for name, (unit, path) in SENML.items()
        ]
        pack[0] = {"bn": "tank/", "bt": round(time.time(), 3), **pack[0]}
        return json.dumps(pack).encode()
