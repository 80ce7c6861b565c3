"""Twins that were made because their topics spoke: the entries `create` of connections, and the files that keep what
came of them, one a connection: path of the twin to its type, its parameters and the entry (`from`) it was made by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from drivers.creation import Creation, creations_of
from server.config.bodies import BodyReader, Entry, Type, known_type
from server.config.checking import describe
from server.config.connections import Endpoint
from server.config.errors import Problems, did_you_mean
from server.config.instances import scalar
from server.config.models import ServerSettings
from server.config.names import name_problem
from server.config.pieces import Names
from server.config.templates import Scalar, Template, TemplateError, parse
from server.config.yaml_source import Map
from server.config.yaml_source import parse as parse_yaml

SECTION: Final = "created"
"""The key of `Plant.sections` under which the created twins stand."""
_OF_ENTRY: Final = "from"
_HEAD: Final = """\
# Twins made because topics of the connection {name} spoke. To remove one, delete its line; to change one, edit it.
# Then: uatwin reload. A machine that goes on speaking is made again.
"""


@dataclass(frozen=True, slots=True)
class CreatedTwin:
    """One of them. values: its parameters; source: the entry it was made by."""

    connection: str
    path: str
    source: str
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Made:
    """A line of such a file: the twin, the path of the one it stands under ("" for a root), and its text."""

    twin: CreatedTwin
    under: str
    entry: Entry


class Unusable(ValueError):
    """A machine that no twin can be made of; the message says why."""


def data_folder(plant: str, server: ServerSettings) -> Path:
    """Where a plant's history, models, states of alarms and created twins are. server: with `data_dir` resolved."""
    return server.data_dir or user_data_path("uatwin") / "plants" / plant


def file_of(folder: Path, connection: str) -> Path:
    """The file of created twins of a connection. folder: `data_folder`."""
    return folder / "created" / f"{connection}.yaml"


def new_twin(connection: str, creation: Creation, heard: Mapping[str, str]) -> CreatedTwin:
    """What is to be made of a machine. Raises Unusable where its topic holds what cannot be part of a plant file."""
    for name, text in heard.items():
        if not text.isprintable() or len(text) > 200:
            raise Unusable(f"{name} is {text[:40]!r}, which is too long or no text; the device must say something else")
    values = {name: scalar(text) for name, text in heard.items()}
    path = _filled(f"{creation.under}/{creation.name}".strip("/"), values)
    for name in path.split("/"):
        if problem := name_problem(name):
            raise Unusable(problem)
    return CreatedTwin(connection, path, creation.source, values)


def _filled(template: str, values: Mapping[str, Scalar]) -> str:
    """A path; dots, which names cannot have, become _ ."""
    parsed = parse(template)
    try:
        text = str(parsed.fill(values)) if isinstance(parsed, Template) else parsed
    except TemplateError as error:
        raise Unusable(str(error)) from error
    return text.replace(".", "_")


def head(connection: str) -> str:
    """How a file of created twins begins."""
    return _HEAD.format(name=connection)


def line_of(twin: CreatedTwin, creation: Creation) -> str:
    """The line of a twin in the file of its connection."""
    given = {name: _escaped(value) if isinstance(value, str) else value for name, value in twin.values.items()}
    settings = {"type": creation.type, "with": given, _OF_ENTRY: twin.source}
    return f"{_json(_escaped(twin.path))}: {_json(settings)}\n"


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)


def _escaped(text: str) -> str:
    """Text in which braces are no parameters."""
    return text.replace("{", "{{").replace("}", "}}")


def read_created(
    folder: Path, endpoints: Mapping[str, Endpoint], contents: Mapping[str, bytes], reader: BodyReader, found: Problems
) -> list[Made]:
    """All created twins. contents: by connection, what to take instead of its file."""
    made: list[Made] = []
    for name in endpoints:
        path = file_of(folder, name)
        if name in contents or path.is_file():
            made += _of_file(parse_yaml(path, found, contents.get(name)), path, name, reader, found)
    return made


def _of_file(data: object, path: Path, connection: str, reader: BodyReader, problems: Problems) -> Iterator[Made]:
    if data is None:
        return
    if not isinstance(data, Map):
        start = problems.place(problems.files - 1, 1, 1)
        problems.add(start, f"holds {describe(data)}; it must be a mapping of paths to twins, or be deleted")
        return
    for key, value in data.items():
        if not isinstance(value, Map) or not isinstance(value.get(_OF_ENTRY), str):
            what = f"{_OF_ENTRY} is missing or no text" if isinstance(value, Map) else f"it is {describe(value)}"
            message = f"{key}: {what}; write it like {{type: Pump, with: {{n: 1}}, from: the topic it was made by}}"
            problems.add(data.value_at[key], message)
            continue
        under, _, name = key.rpartition("/")
        one = Map(data.place)
        one.put(name, value.without(frozenset({_OF_ENTRY})), data.key_at[key], data.value_at[key])
        for entry in reader.entries(one, data.place, path.name, Names(frozenset(), "a created twin")):
            given = entry.given.raw
            values = {name: _plain(one) if isinstance(one, str) else one for name, one in given.items()}
            yield Made(CreatedTwin(connection, _plain(key), value[_OF_ENTRY], values), _plain(under), entry)


def _plain(text: str) -> str:
    """Text without its escapes."""
    return text.replace("{{", "{").replace("}}", "}")


def check_creations(endpoints: Mapping[str, Endpoint], types: Mapping[str, Type], problems: Problems) -> dict[str, str]:
    """Report what cannot work in the entries `create`; returns the types that they use with the connection of each."""
    used: dict[str, str] = {}
    for endpoint in endpoints.values():
        for index, creation in enumerate(creations_of(endpoint.settings)):
            raw = endpoint.raw["create"][index]
            _check(creation, raw, types, problems)
            used.setdefault(creation.type, endpoint.name)
    return used


def _check(creation: Creation, raw: Map, types: Mapping[str, Type], problems: Problems) -> None:
    given = creation.parameters
    used = _names(creation.under, raw, "under", given, problems) | _names(creation.name, raw, "name", given, problems)
    if not used and "{" not in f"{creation.name}{creation.under}":
        hint = f"{creation.name}{{{given[0]}}}"
        problems.add(
            raw.value_at["name"], f"every machine would be called {creation.name}; put a level into it: {hint}"
        )
    made_from = types.get(creation.type)
    if made_from is None:
        message = f"there is no type {creation.type}{known_type(creation.type, dict(types))}"
        problems.add(raw.value_at["type"], message)
        return
    for name, default in made_from.parameters.items():
        if default is None and name not in given:
            cure = f"name a level of the topic {{{name}}}, or give the parameter a default"
            problems.add(raw.place, f"{name} is missing; the type {creation.type} needs it: {cure}")
    for name in given:
        if name not in made_from.parameters and name not in used:
            nearest = did_you_mean(name, made_from.parameters, "it has none")
            message = f"the type {creation.type} has no parameter {name}{nearest}, or write + for a level of no meaning"
            problems.add(raw.place, message)


def _names(text: str, raw: Map, key: str, given: tuple[str, ...], problems: Problems) -> frozenset[str]:
    """The parameters that a name uses; what is wrong with it is reported."""
    try:
        parsed = parse(text)
    except TemplateError as error:
        problems.add(raw.value_at[key], str(error))
        return frozenset()
    fixed = parsed if isinstance(parsed, str) else ""
    for name in fixed.split("/") if key == "under" else [fixed]:
        if fixed and (problem := name_problem(name)):
            problems.add(raw.value_at[key], problem)
    names = parsed.names if isinstance(parsed, Template) else frozenset()
    for name in sorted(names - set(given)):
        message = f"the topic has no level {{{name}}}{did_you_mean(name, given)}"
        problems.add(raw.value_at[key], message)
    return names
