"""Checks how entries use types, whether or not a twin comes of it: unknown types, cycles, parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from server.config.bodies import Body, Entry, Type, known_type, taken
from server.config.connections import Endpoint
from server.config.errors import Problems, did_you_mean
from server.config.names import name_problem


def check_uses(roots: Iterable[Entry], types: dict[str, Type], problems: Problems) -> None:
    """Report entries that name no type or a wrong one, and types that contain themselves."""
    bodies = [made_from.body for made_from in types.values()]
    for entry in [*_below(roots), *(entry for body in bodies for entry in _below(body.entries))]:
        _check_entry(entry, types, problems)
    reported: set[str] = set()
    for name in types:
        _find_cycles(name, [], types, problems, reported)


def check_unused(
    types: dict[str, Type], endpoints: dict[str, Endpoint], problems: Problems, creating: Mapping[str, str]
) -> None:
    """Check the points of types that no twin was made from, as far as their connection is known. creating: types that
    twins may be made from later, with the connection that does."""
    for made_from in types.values():
        if not made_from.used:
            _check_points(made_from.body, creating.get(made_from.name), endpoints, problems)
            _check_names(made_from.body, problems)


def _check_points(body: Body, above: str | None, endpoints: dict[str, Endpoint], problems: Problems) -> None:
    connection = body.raw.get("connection", above)
    for part in body.tags:
        name = part.raw.get("connection", connection)
        if not isinstance(name, str) or "{" in name or part.point is None:
            continue
        endpoint = endpoints.get(name)
        if endpoint is None:
            source = part.raw if "connection" in part.raw else body.raw
            if "connection" in source:
                nearest = did_you_mean(name, endpoints, "the section connections has none")
                problems.add(source.value_at["connection"], f"there is no connection {name}{nearest}")
        elif endpoint.points:
            part.point.define(endpoint.points)
    for entry in body.entries:
        _check_points(entry.body, connection, endpoints, problems)


def _check_names(body: Body, problems: Problems) -> None:
    """The names of a body, as far as they stand in the text; a twin that is made has all of its names checked."""
    seen: dict[str, str] = {}
    names = [part.name for part in body.tags] + [method.name for method in body.methods]
    for name in [*names, *(entry.name for entry in body.entries)]:
        if not name.plain:
            continue
        problem = name_problem(name.text) or taken(name.text, seen)
        if problem:
            problems.add(name.place, problem)
        seen.setdefault(name.text, problems.describe(name.place))
    for entry in body.entries:
        _check_names(entry.body, problems)


def _below(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        yield from _below(entry.body.entries)


def _check_entry(entry: Entry, types: dict[str, Type], problems: Problems) -> None:
    raw = entry.body.raw
    given = {**entry.instances.names, **entry.given.raw.key_at}
    if "type" not in raw:
        if "scope" not in raw and not entry.component:
            problems.add(entry.place, f"scope or type is missing in {entry.name.text}; give one of them")
        return
    if not entry.type_name:
        return
    if "{" in entry.type_name:
        problems.add(raw.value_at["type"], "type is the name of a type; parameters cannot choose it")
        return
    if entry.type_name not in types:
        message = f"there is no type {entry.type_name}{known_type(entry.type_name, types)}"
        problems.add(raw.value_at["type"], message)
        return
    made_from = types[entry.type_name]
    for name, default in made_from.parameters.items():
        if default is None and name not in given and not entry.instances.lost:
            message = f"{name} is missing; the type {made_from.name} needs it, give it in with: or instances:"
            problems.add(entry.place, message)
    for name, place in given.items():
        listed = name in entry.given.raw or not entry.instances.open
        if listed and name not in made_from.parameters and name not in entry.names.used:
            nearest = did_you_mean(name, made_from.parameters, "it has none")
            problems.add(place, f"the type {made_from.name} has no parameter {name}{nearest}")


def _find_cycles(name: str, above: list[str], types: dict[str, Type], problems: Problems, reported: set[str]) -> None:
    if name in reported:
        return
    for entry in _below(types[name].body.entries):
        inner = entry.type_name
        if inner in [*above, name]:
            chain = [*above, name]
            chain = [*chain[chain.index(inner) :], inner]
            message = f"the type {inner} contains itself ({' > '.join(chain)}), which has no end; leave one of them out"
            problems.add(entry.body.raw.value_at["type"], message)
        elif inner in types:
            _find_cycles(inner, [*above, name], types, problems, reported)
    reported.add(name)
