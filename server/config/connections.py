"""The section `connections`: each driver's own settings, and its word on the tags it is to feed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from drivers.driver import Binding, DriverType, Problem, Vouching
from drivers.registry import driver_names, driver_type
from server.config.bodies import TagPart
from server.config.checking import Checker, describe, position, walk
from server.config.errors import Place, Problems, did_you_mean
from server.config.files import located
from server.config.names import name_problem
from server.config.plant import Tag
from server.config.upkeep import KEYS, Upkeep
from server.config.yaml_source import Map

_UPKEEP: Final[Checker[Upkeep]] = Checker(Upkeep)
SHORTEST_STALE_S: Final = 3.0


@dataclass(slots=True)
class Endpoint:
    """A connection as the plant file gives it. settings and points are None when it is wrong; tags: what it feeds;
    watching: the driver, where the settings are right and it vouches for pushed tags."""

    name: str
    place: Place
    raw: Map
    driver_name: str = ""
    driver: DriverType | None = None
    settings: Any = None
    upkeep: Upkeep = field(default_factory=Upkeep)
    points: Checker[Any] | None = None
    tags: list[Tag] = field(default_factory=list)
    watching: Vouching | None = None


def read_connections(raw: Map, problems: Problems) -> dict[str, Endpoint]:
    """All connections by name; what is wrong with one is reported."""
    points: dict[str, Checker[Any]] = {}
    return {name: _endpoint(name, raw, points, problems) for name in raw}


def check_tags(endpoint: Endpoint, sources: Sequence[TagPart], problems: Problems, twins: Sequence[str]) -> None:
    """Let the driver look at all tags of a connection. sources, twins: by row, the text of each tag and the twin to
    name with an error."""
    if endpoint.driver is None or endpoint.settings is None:
        return
    for problem in endpoint.driver.check(endpoint.settings, bindings_of(endpoint.tags)):
        if problem.binding is None:
            known = walk(endpoint.raw, problem.key.split("."))[0]
            problems.add(position(endpoint.raw, known) if known else endpoint.place, problem.message)
        else:
            row = endpoint.tags[problem.binding].row
            part = sources[row]
            problems.add(_place(problem, part), problem.message, twins[row], f"check {problem.key}")


def bindings_of(tags: Iterable[Tag]) -> list[Binding]:
    """Tags as their driver sees them."""
    return [
        Binding(tag.row, tag.path, tag.data_type, tag.array_length, tag.point, tag.rate_s, tag.command is not None)
        for tag in tags
    ]


def _endpoint(name: str, section: Map, points: dict[str, Checker[Any]], problems: Problems) -> Endpoint:
    value, place = section[name], section.key_at[name]
    if problem := name_problem(name):
        problems.add(place, problem)
    if not isinstance(value, Map):
        problems.add(
            place, f"the connection {name} is {describe(value)}; it must be like {{driver: modbus, host: ...}}"
        )
        return Endpoint(name, place, Map(place))
    endpoint = Endpoint(name, place, value)
    chosen = value.get("driver")
    if not isinstance(chosen, str) or chosen not in driver_names():
        nearest = did_you_mean(str(chosen), driver_names())
        if chosen is None:
            problems.add(place, f"driver is missing; one of {', '.join(driver_names())}")
        else:
            problems.add(value.value_at["driver"], f"there is no driver {chosen}{nearest}")
        return endpoint
    endpoint.driver_name, endpoint.driver = chosen, driver_type(chosen)
    settings = value.without(KEYS | {"driver"})
    endpoint.settings, findings = Checker[Any](endpoint.driver.connection_model).check(settings, settings)
    common = value.without(frozenset(value) - KEYS)
    upkeep, wrong = _UPKEEP.check(common, common)
    endpoint.upkeep = upkeep or endpoint.upkeep
    findings = [*findings, *wrong]
    if endpoint.settings is not None:
        endpoint.settings = located(endpoint.settings, problems.path_of(section.value_at[name]).parent)
    for finding in findings:
        problems.add(finding.place, finding.message, kind=f"{finding.kind} {finding.loc}")
    if endpoint.settings is not None and isinstance(endpoint.driver, Vouching):
        endpoint.watching = endpoint.driver
    if chosen not in points:
        points[chosen] = Checker(endpoint.driver.point_model)
    endpoint.points = points[chosen]
    return endpoint


def _place(problem: Problem, part: TagPart) -> Place:
    """Where the setting stands that a driver complains about: in the point, else in the tag, else the point itself."""
    keys = problem.key.removeprefix("point.").split(".")
    point = part.raw["point"]
    if isinstance(point, Map) and (known := walk(point, keys)[0]):
        return position(point, known)
    if known := walk(part.raw, keys)[0]:
        return position(part.raw, known)
    return part.raw.key_at["point"]


def patience_s(endpoint: Endpoint, point: Any, rate_s: float) -> float:
    """The stale_s of a tag that has none of its own."""
    watched_s = endpoint.watching.silence_s(endpoint.settings, point) if endpoint.watching else 0.0
    return max(SHORTEST_STALE_S, 3 * rate_s, watched_s)
