"""Gives a plant read anew the rows of the one that runs, so that what stays the same stays where it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from server.config.plant import CommandMethod, CommandRules, Connection, Interlock, Plant, Tag, Twin


def renumber(running: Plant, new: Plant) -> Plant:
    """The new plant with rows that fit the running one's table.

    A tag keeps its row when its path, data type and array length are those of a running tag; all others get rows behind
    the last. Rows that no tag of the new plant uses stay in `tags` with the tag they had: see `retired`.
    """
    known = {_identity(tag): tag.row for tag in running.tags}
    rows = np.empty(len(new.tags), np.int64)
    tags = list(running.tags)
    for tag in new.tags:
        row = known.get(_identity(tag), -1)
        if row < 0:
            row = len(tags)
            tags.append(tag)
        rows[tag.row] = row
    moving = _Moving(rows)
    for tag in new.tags:
        moved = moving.tag(tag)
        tags[moved.row] = moved
    connections = {name: moving.connection(one) for name, one in new.connections.items()}
    services = {name: moving.all(of_one) for name, of_one in new.services.items()}
    twins = tuple(moving.twin(twin) for twin in new.twins)
    return replace(new, twins=twins, connections=connections, tags=tuple(tags), services=services)


def retired(plant: Plant) -> npt.NDArray[np.int32]:
    """Rows of a renumbered plant that nothing uses any more."""
    used = np.zeros(len(plant.tags), np.bool_)
    for twin in plant.walk():
        used[[tag.row for tag in (*twin.telemetry, *twin.commands, *twin.diagnostics, *twin.analytics)]] = True
    for connection in plant.connections.values():
        used[[tag.row for tag in connection.diagnostics]] = True
    for tags in plant.services.values():
        used[[tag.row for tag in tags]] = True
    return np.flatnonzero(~used).astype(np.int32)


def _identity(tag: Tag) -> tuple[str, int, int]:
    return tag.path, int(tag.data_type), tag.array_length


class _Moving:
    """Writes new row numbers into everything that names a row; each tag is made once and shared."""

    def __init__(self, rows: npt.NDArray[np.int64]) -> None:
        self._rows = rows
        self._tags: dict[int, Tag] = {}

    def tag(self, tag: Tag) -> Tag:
        moved = self._tags.get(tag.row)
        if moved is None:
            rules = self._rules(tag.command) if tag.command is not None else None
            moved = self._tags[tag.row] = replace(tag, row=self._row(tag.row), command=rules)
        return moved

    def twin(self, twin: Twin) -> Twin:
        return replace(
            twin,
            telemetry=self.all(twin.telemetry),
            commands=self.all(twin.commands),
            diagnostics=self.all(twin.diagnostics),
            analytics=self.all(twin.analytics),
            methods=tuple(self._method(method) for method in twin.methods),
            children=tuple(self.twin(child) for child in twin.children),
        )

    def connection(self, connection: Connection) -> Connection:
        tags = tuple(sorted(self.all(connection.tags), key=lambda tag: tag.row))
        return replace(connection, tags=tags, diagnostics=self.all(connection.diagnostics))

    def all(self, tags: tuple[Tag, ...]) -> tuple[Tag, ...]:
        """Several tags."""
        return tuple(self.tag(tag) for tag in tags)

    def _row(self, row: int) -> int:
        return int(self._rows[row])

    def _rules(self, rules: CommandRules) -> CommandRules:
        return replace(rules, interlocks=tuple(self._interlock(one) for one in rules.interlocks))

    def _interlock(self, interlock: Interlock) -> Interlock:
        moved = tuple(replace(one, row=self._row(one.row)) for one in interlock.conditions)
        return replace(interlock, conditions=moved)

    def _method(self, method: CommandMethod) -> CommandMethod:
        return replace(
            method,
            arguments=tuple(replace(one, row=self._row(one.row)) for one in method.arguments),
            writes=tuple(replace(one, row=self._row(one.row)) for one in method.writes),
        )
