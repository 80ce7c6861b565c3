"""Finds what a path of the plant stands for; one dict entry per tag, twin, connection and command method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from asyncua.ua.object_ids import ObjectIds

from nodesets.identification import identification_value
from nodesets.units import nearest, unit
from server.address_space.grafts import Graft
from server.address_space.heads import ALARMS, CONNECTIONS, TWINS
from server.address_space.method_views import AnalyticsMethods, MethodView
from server.address_space.object_views import FOLDERS
from server.alarms.conditions import Conditions
from server.alarms.definitions import AlarmDefinition
from server.config.diagnostics import SCENARIOS
from server.config.plant import CommandMethod, Connection, Plant, Relation, Tag, Twin

PARTS = ("Identification", "Telemetry", "Commands", "Analytics", ALARMS, "Diagnostics")
"""The folders of a twin, in the order they are shown; each only where there is something in it, Telemetry always."""
_GRAFTED: Final = f"{SCENARIOS}/"
"""Tags of the plant whose path begins so only keep a row: what stands there comes by `graft`."""


class AddressSpaceError(ValueError):
    """A plant that cannot be shown as nodes: where, why, and what would be right."""


class PlantIndex:
    """rows: the row of every tag by path. twins, connections, methods (of commands): by path. alarms: those that
    `conditions`, which change at run time, have or are about to get.

    Raises AddressSpaceError for paths that two nodes would share, relations that lead nowhere and identification values
    that do not fit their type.
    """

    def __init__(
        self,
        plant: Plant,
        analytics_methods: AnalyticsMethods,
        conditions: Conditions,
        alarms: Sequence[AlarmDefinition],
    ) -> None:
        self.plant = plant
        self.conditions = conditions
        self._alarms = alarms
        self.analytics_methods = analytics_methods
        self.rows: dict[str, int] = {tag.path: tag.row for tag in plant.tags if not tag.path.startswith(_GRAFTED)}
        self.services: dict[str, tuple[Tag, ...]] = dict(plant.services)
        self.grafts: dict[str, Graft] = {}
        self.node_versions: dict[str, int] = {}
        """When the references of the folder of a graft changed last, in ticks, by its path."""
        self.twins: dict[str, Twin] = {twin.path: twin for twin in plant.walk()}
        self.methods: dict[str, CommandMethod] = {
            method.path: method for twin in self.twins.values() for method in twin.methods
        }
        self.connections: dict[str, Connection] = {
            f"{CONNECTIONS}/{connection.name}": connection for connection in plant.connections.values()
        }
        self.pointing_at: dict[str, list[Relation]] = defaultdict(list)
        self._refuse_shared_paths()
        self._refuse_alarms_of_nobody()
        self._refuse_unknown_units()
        for twin in self.twins.values():
            self._add_relations(twin)
            _refuse_wrong_identification(twin)

    def graft(self, one: Graft) -> None:
        """Show it beside the plant. Raises AddressSpaceError, and shows nothing of it, for paths that two nodes would
        share."""
        own = {tag.path for tag in one.tags}
        shared = own & {twin.path for twin in one.twins}
        if shared or one.path in self.services:
            raise AddressSpaceError(f"{next(iter(shared), one.path)}: two nodes would have this NodeId")
        self.grafts[one.path] = one
        self.services[one.path] = one.tags
        self.rows.update({tag.path: tag.row for tag in one.every_tag()})
        for twin in one.walk():
            self.twins[twin.path] = twin
            self.methods.update({method.path: method for method in twin.methods})
        for twin in one.walk():
            self._add_relations(twin)

    def prune(self, path: str) -> None:
        """Show the graft with that path no more."""
        one = self.grafts.pop(path)
        del self.services[path]
        for tag in one.every_tag():
            del self.rows[tag.path]
        for twin in one.walk():
            del self.twins[twin.path]
            for method in twin.methods:
                del self.methods[method.path]
            for relation in twin.relations:
                self.pointing_at.pop(relation.target, None)

    def root_of(self, twin: Twin) -> str:
        """The folder that a root twin stands in."""
        above = twin.path.rpartition("/")[0]
        return above if above in self.grafts else TWINS

    def tag(self, path: str) -> Tag | None:
        """The tag with that path."""
        row = self.rows.get(path)
        return None if row is None else self.plant.tags[row]

    def owner(self, tag: Tag) -> tuple[Twin, str] | Connection | str:
        """Where a tag hangs: a twin and its part, a connection, or the folder of a part of the bridge itself."""
        path = tag.path.rpartition("/")[0]
        twin = self.twins.get(path)
        if twin is None:
            return path if path in self.services else self.connections[path]
        if tag.command is not None:
            return twin, "Commands"
        if any(other is tag for other in twin.analytics):
            return twin, "Analytics"
        return twin, "Diagnostics" if any(other is tag for other in twin.diagnostics) else "Telemetry"

    def analysed(self, path: str) -> Twin | None:
        """The twin with that path, if it has analytics."""
        twin = self.twins.get(path)
        return twin if twin is not None and self.analytics_methods(twin) else None

    def parent(self, twin: Twin) -> Twin | None:
        """The twin it is part of; None for a root."""
        return self.twins.get(twin.path.rpartition("/")[0])

    def parts(self, twin: Twin) -> Iterator[str]:
        """The folders a twin has."""
        filled = {
            "Identification": twin.identification,
            "Telemetry": True,
            "Commands": twin.commands or twin.methods,
            "Analytics": self.analytics_methods(twin),
            ALARMS: self.conditions.of_owner(twin.path),
            "Diagnostics": twin.diagnostics,
        }
        return (part for part in PARTS if filled[part])

    def method(self, path: str) -> tuple[Twin, MethodView | CommandMethod] | None:
        """The method with that path and the twin it belongs to."""
        owner, _, name = path.rpartition("/")
        twin = self.twins.get(owner)
        if twin is None:
            return None
        command = self.methods.get(path)
        if command is not None:
            return twin, command
        return next(((twin, view) for view in self.analytics_methods(twin) if view.name == name), None)

    def _refuse_shared_paths(self) -> None:
        seen: set[str] = set()
        for path in self._all_paths():
            if path in seen:
                raise AddressSpaceError(
                    f"{path}: two nodes would have this NodeId. Tags, commands, methods, alarms, child twins and the "
                    f"names {', '.join(PARTS)} of one twin must all differ; {TWINS} and {CONNECTIONS} are no roots"
                )
            seen.add(path)

    def _refuse_alarms_of_nobody(self) -> None:
        for alarm in self._alarms:
            others = {*self.connections, *self.plant.services, TWINS, CONNECTIONS}
            if alarm.owner not in self.twins and alarm.owner not in others:
                raise AddressSpaceError(
                    f"{alarm.path}: the alarm belongs to {alarm.owner!r}, which is neither a twin nor a connection"
                )

    def _all_paths(self) -> Iterable[str]:
        yield from (TWINS, CONNECTIONS, *self.plant.services, *self.connections)
        yield from (tag.path for tag in self.plant.tags if not tag.path.startswith(_GRAFTED))
        yield from (definition.path for definition in self._alarms)
        for twin in self.plant.walk():
            yield twin.path
            yield from (f"{twin.path}/{part}" for part in PARTS)
            yield from (method.path for method in twin.methods)
            methods = self.analytics_methods(twin)
            yield from (f"{twin.path}/{view.name}" for view in methods)
            yield from (f"{twin.path}/{folder}" for folder in FOLDERS if methods)

    def _refuse_unknown_units(self) -> None:
        for code in {tag.unit for tag in self.plant.tags if tag.unit}:
            try:
                unit(code)
            except KeyError:
                path = next(tag.path for tag in self.plant.tags if tag.unit == code)
                raise AddressSpaceError(
                    f"{path}: unit {code!r} is no UNECE common code; nearest are {', '.join(nearest(code))}"
                ) from None

    def _add_relations(self, twin: Twin) -> None:
        for relation in twin.relations:
            if not hasattr(ObjectIds, relation.reference_type):
                raise AddressSpaceError(
                    f"{twin.path}: relation {relation.reference_type!r} is no standard ReferenceType; "
                    "Controls, Requires or IsPhysicallyConnectedTo are"
                )
            if relation.target not in self.twins and relation.target not in self.rows:
                raise AddressSpaceError(
                    f"{twin.path}: {relation.reference_type} leads to {relation.target!r}, "
                    "which is neither a twin nor a tag"
                )
            self.pointing_at[relation.target].append(Relation(relation.reference_type, twin.path))


def _refuse_wrong_identification(twin: Twin) -> None:
    for name, text in twin.identification.items():
        try:
            identification_value(name, text)
        except ValueError as error:
            raise AddressSpaceError(f"{twin.path}: identification: {error}") from None
