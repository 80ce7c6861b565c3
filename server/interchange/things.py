"""Thing Descriptions (WoT TD 1.1) to drafts of a plant file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from server.interchange.drafts import Finding, PlantDraft, TagDraft, plant_name, usable_name
from server.interchange.thing_forms import (
    Access,
    Address,
    Form,
    Vocabulary,
    coap_access,
    modbus_access,
    mqtt_access,
    target,
)
from server.interchange.thing_model import AFFORDANCE, THING, escaped, problems
from server.interchange.thing_schema import NotSupported, Schema, description, element, leaves, meaning

_READ: Final = frozenset({"readproperty", "observeproperty"})
_WRITE: Final = frozenset({"writeproperty"})
_NO_SECURITY: Final = frozenset({"nosec", "auto"})


class NoThing(Exception):
    """A file that is no Thing Description; the message says why and where."""


def read_thing(path: Path) -> Mapping[str, Any]:
    """The description in a file, its structure as far as it is used checked. Raises NoThing."""
    try:
        thing = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise NoThing(f"cannot be read ({error.strerror}); give the path of a Thing Description") from error
    except UnicodeDecodeError as error:
        raise NoThing(f"is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise NoThing(f"{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    if not isinstance(thing, dict) or "@context" not in thing:
        raise NoThing("is no Thing Description; it is a JSON object with @context, title and properties")
    if found := problems(THING, thing, "#"):
        raise NoThing("\n".join(f"{where}: {message}" for where, message in found))
    if "tm:ThingModel" in _list(thing.get("@type")):
        raise NoThing("is a Thing Model, a template without addresses; make a Thing Description of it first")
    if not usable_name(thing["title"])[0]:
        raise NoThing("#/title: names the twin, and is empty")
    return thing


def read_thing_drafts(thing: Mapping[str, Any]) -> tuple[PlantDraft, list[Finding]]:
    """The draft of a plant with one twin, and what to tell about everything that is not in it."""
    return _Reader(thing).draft()


class _Reader:
    def __init__(self, thing: Mapping[str, Any]) -> None:
        self._thing = thing
        self._words = Vocabulary.of(thing["@context"])
        self._base = str(thing.get("base", ""))
        self._connections: dict[Address, str] = {}
        self._plant = PlantDraft(plant_name(thing["title"]), {})
        self._findings: list[Finding] = []
        self._twin, note = usable_name(thing["title"])
        self._tell("#/title", note)

    def draft(self) -> tuple[PlantDraft, list[Finding]]:
        """Properties and actions with a value become tags; all else is told."""
        thing = self._thing
        about = {"description": thing.get("description", "")}
        identification = {"identification": {"ProductInstanceUri": thing["id"]}} if thing.get("id") else {}
        self._plant.of_twin[self._twin,] = {key: value for key, value in about.items() if value} | identification
        for name, affordance in thing.get("properties", {}).items():
            self._each(f"#/properties/{escaped(name)}", name, affordance, self._property)
        for name, affordance in thing.get("actions", {}).items():
            self._each(f"#/actions/{escaped(name)}", name, affordance, self._action)
        for name in thing.get("events", {}):
            self._findings.append(Finding(f"#/events/{escaped(name)}", "an event has no current value to be a tag"))
        if self._plant.tags:
            self._tell_security()
        return self._plant, self._findings

    def _each(self, where: str, name: str, affordance: Any, read: Any) -> None:
        if found := problems(AFFORDANCE, affordance, where):
            self._findings.append(Finding(*found[0]))
            self._tell_all(found[1:])
            return
        try:
            read(where, name, affordance)
        except NotSupported as error:
            self._findings.append(Finding(where, str(error)))

    def _tell_all(self, found: Sequence[tuple[str, str]]) -> None:
        for where, message in found:
            self._tell(where, message)

    def _tell(self, where: str, *notes: str) -> None:
        self._findings += [Finding(where, note, skipped=False) for note in notes if note]

    def _property(self, where: str, name: str, affordance: Schema) -> None:
        usual = ["readproperty"] if affordance.get("readOnly") else ["readproperty", "writeproperty"]
        if affordance.get("writeOnly"):
            usual = ["writeproperty"]
        reading = None if affordance.get("writeOnly") else self._form(where, affordance, usual, _READ)
        writing = None if affordance.get("readOnly") else self._form(where, affordance, usual, _WRITE)
        if reading is None and writing is None:
            raise NotSupported("none of its forms reads or writes it by Modbus, MQTT or CoAP")
        is_object = affordance.get("type") == "object"
        if is_object and writing is not None:
            self._tell(where, "an object cannot be written value by value; it is imported as read only")
            writing = None
        if is_object and reading is None:
            raise NotSupported("an object cannot be written value by value")
        for names, path, leaf in leaves(affordance):
            self._value(where, "_".join((name, *names)), affordance, leaf, path, reading, writing)

    def _action(self, where: str, name: str, affordance: Schema) -> None:
        given = affordance.get("input")
        if not isinstance(given, Mapping):
            raise NotSupported("an action without input has no value to write")
        if given.get("type") == "object":
            raise NotSupported("an action with several inputs is no single value")
        writing = self._form(where, affordance, ["invokeaction"], frozenset({"invokeaction"}))
        if writing is None:
            raise NotSupported("none of its forms invokes it by Modbus, MQTT or CoAP")
        self._value(where, name, affordance, given, "$", None, writing)

    def _form(self, where: str, affordance: Schema, usual: list[str], wanted: frozenset[str]) -> Form | None:
        """The first form with one of these operations whose protocol is known."""
        problem = ""
        for form in affordance["forms"]:
            if not isinstance(form, Mapping) or not wanted & set(_list(form.get("op", usual))):
                continue
            try:
                target(form, self._base)
            except NotSupported as error:
                problem = problem or str(error)
                continue
            self._tell(where, problem)
            return form
        if problem:
            raise NotSupported(problem)
        return None

    def _value(
        self,
        where: str,
        name: str,
        affordance: Schema,
        leaf: Schema,
        path: str,
        reading: Form | None,
        writing: Form | None,
    ) -> None:
        single, elements = element(leaf)
        form = reading or writing
        assert form is not None  # the callers have one
        address, access = self._access(form, single, path, elements, reading is None)
        if reading is not None and writing is not None:
            other, written = self._access(writing, single, path, elements, True)
            if not self._joined(address, access, other, written):
                self._tell(where, "it is read and written in different places; it is imported as read only")
                writing = None
        elif reading is None and address.driver == "coap":
            access.keys["read"] = False
        told, notes = meaning(single, access.data_type)
        tag_name, note = usable_name(name)
        self._tell(where, note, *notes, *access.notes)
        spec: dict[str, Any] = {"type": access.data_type.name}
        spec |= {"array_length": elements} if elements else {}
        spec |= told | ({"description": text} if (text := description(affordance, single)) else {})
        spec["rate_s"] = access.rate_s or 1.0
        connection = self._connection(address, access)
        spec |= {"connection": connection}
        point = self._point(connection, access)
        self._plant.tags.append(TagDraft(where, (self._twin,), tag_name, writing is not None, spec | {"point": point}))

    def _access(self, form: Form, leaf: Schema, path: str, elements: int, write: bool) -> tuple[Address, Access]:
        address, parts = target(form, self._base)
        if address.driver == "modbus":
            if path != "$":
                raise NotSupported("registers hold no object; give each value a property of its own")
            return address, modbus_access(form, parts, self._words, leaf, elements)
        read = mqtt_access if address.driver == "mqtt" else coap_access
        access = read(form, parts, self._words, leaf, path, write)
        access.elements = elements
        return address, access

    def _joined(self, address: Address, access: Access, other: Address, written: Access) -> bool:
        """Take the way down into that up, where a point can hold both."""
        if address != other:
            return False
        if address.driver == "modbus":
            return access.keys == written.keys
        if address.driver == "mqtt":
            access.keys |= {
                key: written.keys[key] for key in ("write_topic", "write_qos", "retain") if key in written.keys
            }
            return True
        if written.keys["path"] != access.keys["path"]:
            access.keys["write_path"] = written.keys["path"]
        if written.keys.get("query") != access.keys.get("query") and "query" in written.keys:
            access.keys["write_query"] = written.keys["query"]
        access.keys |= {key: written.keys[key] for key in ("write_method",) if key in written.keys}
        return True

    def _connection(self, address: Address, access: Access) -> str:
        """The name of a connection, made where it is the first time that a form talks to it."""
        if address not in self._connections:
            count = sum(one.driver == address.driver for one in self._connections)
            name = f"{address.driver}{count + 1}" if count else address.driver
            self._connections[address] = name
            self._plant.connections[name] = {"driver": address.driver, "host": address.host, "port": address.port}
            if address.driver == "modbus" and "unit" in access.keys:
                self._plant.connections[name]["unit"] = access.keys["unit"]
            if address.secure and address.driver == "mqtt":
                self._plant.connections[name]["tls"] = {}
            elif address.secure:
                self._tell("", f"the connection {name} speaks DTLS; add dtls: {{identity: ..., psk_file: ...}} to it")
        name = self._connections[address]
        self._plant.connections[name] |= access.settings
        return name

    def _point(self, connection: str, access: Access) -> dict[str, Any]:
        usual = self._plant.connections[connection].get("unit")
        return {key: value for key, value in access.keys.items() if key != "unit" or value != usual}

    def _tell_security(self) -> None:
        for name, scheme in self._schemes():
            if scheme not in _NO_SECURITY:
                what = f"the thing asks for {scheme} ({name})"
                self._tell("#/security", f"{what}; a description holds no secrets: add them to the connection")

    def _schemes(self) -> Iterator[tuple[str, str]]:
        definitions = self._thing.get("securityDefinitions", {})
        for name in _list(self._thing.get("security")):
            yield str(name), str(definitions.get(name, {}).get("scheme", "nosec"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
