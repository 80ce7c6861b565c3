"""load_plant: from the path of a plant file to the resolved plant, or to everything that is wrong with the file."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from server.config.analytics import with_results
from server.config.bodies import BodyReader, Type
from server.config.build import Builder
from server.config.checking import Checker
from server.config.connections import Endpoint, check_tags, read_connections
from server.config.created import SECTION, check_creations, data_folder, read_created
from server.config.diagnostics import (
    HISTORY,
    PUBLISHERS,
    RULES,
    SCENARIOS,
    connection_diagnostics,
    history_diagnostics,
    publisher_diagnostics,
    rules_diagnostics,
)
from server.config.errors import PlantError, PlantFileError, Problems, did_you_mean
from server.config.includes import read_files
from server.config.models import PlantSpec, ServerSettings
from server.config.names import name_problem
from server.config.pieces import Names
from server.config.plant import Connection, Plant, Tag
from server.config.resolve import Resolver
from server.config.sections import SECTION_READERS, Known
from server.config.uses import check_unused, check_uses
from server.config.yaml_source import Map

__all__ = ["PlantError", "PlantFileError", "load_plant"]

_SECTIONS: Final = ("plant", "server", "connections", "types", "twins")
T = TypeVar("T")


def load_plant(path: Path, created: Mapping[str, bytes] | None = None) -> Plant:
    """The plant that a file and its includes describe, with the twins that were created since. Touches no network.
    created: by connection, what to take instead of its file of created twins. Raises PlantFileError with every error.
    """
    with _without_garbage_collection():
        problems = Problems()
        root = read_files(path, problems)
        plant = _Loader(root, path, problems).load(created or {}) if root is not None else None
        problems.raise_if_any()
        assert plant is not None  # read_files reported why not
        return plant


class _Loader:
    def __init__(self, root: Map, path: Path, problems: Problems) -> None:
        self._root = root
        self._path = path
        self._problems = problems
        self._reader = BodyReader(problems)

    def load(self, contents: Mapping[str, bytes]) -> Plant:
        """The plant; what is wrong is in problems, and then it is not to be used."""
        self._check_sections()
        plant = self._section("plant", Checker(PlantSpec)) or PlantSpec(name="Plant")
        server = self._located(self._section("server", Checker(ServerSettings)) or ServerSettings())
        endpoints = read_connections(self._mapping("connections"), self._problems)
        types = self._types()
        place = self._root.value_at.get("twins", self._root.place)
        entries = list(self._reader.entries(self._root.get("twins"), place, "twins", Names(frozenset(), "this twin")))
        creating = check_creations(endpoints, types, self._problems)
        folder = data_folder(plant.name, server)
        created = read_created(folder, endpoints, contents, self._reader, self._problems)
        check_uses([*entries, *(one.entry for one in created)], types, self._problems)
        built = Builder(types, endpoints, self._problems)
        roots = built.build(entries, created)
        check_unused(types, endpoints, self._problems, creating)
        twins = Resolver(built, self._problems).twins(roots)
        connections = self._connections(built, endpoints)
        twins, tags = with_results(twins, [tag for tag in built.tags if tag is not None])
        services = self._services(len(tags))
        tags = (*tags, *(tag for of_one in services.values() for tag in of_one))
        rules = tuple(rule for root in roots for draft in root.walk() for rule in draft.rules)
        keeps_history = "history" in self._root or any(tag.history for tag in tags)
        known = Known(tags, twins, connections, self._path.parent, rules, built.incomplete, keeps_history)
        sections = {name: read(self._root_map(name), known, self._problems) for name, read in SECTION_READERS.items()}
        sections[SECTION] = tuple(one.twin for one in created)
        return Plant(plant.name, plant.description, server, connections, twins, tags, sections, services)

    def _services(self, row: int) -> dict[str, tuple[Tag, ...]]:
        """The tags about parts of the bridge itself, with rows from `row` on."""
        services = {HISTORY: history_diagnostics(row)}
        services[RULES] = rules_diagnostics(row + len(services[HISTORY]))
        services[SCENARIOS] = ()
        publishers = self._root.get("publish")
        if isinstance(publishers, Map) and publishers:
            services[PUBLISHERS] = ()
            for name in publishers:
                first = row + sum(map(len, services.values()))
                services[f"{PUBLISHERS}/{name}"] = publisher_diagnostics(name, first)
        return services

    def _check_sections(self) -> None:
        for name in self._root:
            if name in SECTION_READERS:
                continue
            if name not in _SECTIONS and not name.startswith("x-"):
                nearest = did_you_mean(name, [*_SECTIONS, *SECTION_READERS, "include"])
                self._problems.add(self._root.key_at[name], f"unknown section {name}{nearest}")
        for name in ("plant", "twins"):
            if not self._root.get(name) and not (name == "twins" and self._creates()):
                what = "its name: plant: {name: ...}" if name == "plant" else "the twins of the plant"
                self._problems.add(self._root.key_at.get(name, self._root.place), f"{name} is missing; give {what}")

    def _creates(self) -> bool:
        """Whether some connection makes twins, so that there may be none at first."""
        connections = self._root.get("connections")
        return isinstance(connections, Map) and any(
            isinstance(one, Map) and "create" in one for one in connections.values()
        )

    def _mapping(self, name: str) -> Map:
        place = self._root.value_at.get(name, self._root.place)
        return self._reader.mapping(self._root.get(name), place, name, "names to settings")

    def _root_map(self, name: str) -> Map | None:
        return self._mapping(name) if name in self._root else None

    def _section(self, name: str, checker: Checker[T]) -> T | None:
        if not self._root.get(name):
            return None
        raw = self._mapping(name)
        model, findings = checker.check(raw, raw)
        for finding in findings:
            self._problems.add(finding.place, finding.message, kind=f"{finding.kind} {finding.loc}")
        return model

    def _types(self) -> dict[str, Type]:
        section = self._mapping("types")
        types = {}
        for name, value in section.items():
            if problem := name_problem(name):
                self._problems.add(section.key_at[name], problem)
            body = self._reader.mapping(value, section.value_at[name], f"the type {name}", "scope, telemetry, ...")
            types[name] = self._reader.type(name, body, section.key_at[name])
        return types

    def _located(self, server: ServerSettings) -> ServerSettings:
        located = {name: getattr(server, name) for name in ("users_file", "data_dir")}
        return server.model_copy(
            update={name: self._path.parent / path for name, path in located.items() if path is not None}
        )

    def _connections(self, built: Builder, endpoints: dict[str, Endpoint]) -> dict[str, Connection]:
        for tag in built.tags:
            if tag is not None and tag.connection is not None:
                endpoints[tag.connection].tags.append(tag)
        connections = {}
        for endpoint in endpoints.values():
            check_tags(endpoint, built.sources, self._problems, built.labels)
            diagnostics = connection_diagnostics(endpoint.name, len(built.tags))
            built.tags += diagnostics
            connections[endpoint.name] = Connection(
                endpoint.name,
                endpoint.driver_name,
                endpoint.settings,
                tuple(endpoint.tags),
                diagnostics,
                endpoint.upkeep,
            )
        return connections


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Loading makes many objects and no cycles; looking for those would take a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
