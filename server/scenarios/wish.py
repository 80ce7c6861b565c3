"""What a client asks for when it creates a scenario: checked, and in the plant's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.arguments import number_of
from analytics.errors import AnalyticsError, ArgumentError, NotAvailable
from analytics.simulation.naming import overrides, shown
from analytics.simulation.wiring import ModelUse
from drivers.status import Status
from server.config.diagnostics import SCENARIOS
from server.config.errors import did_you_mean
from server.config.names import name_problem
from server.config.plant import Twin
from server.config.scenario_settings import ScenarioSettings
from server.scenarios.stage import Stage

TWIN, NAME, NAMES, VALUES, SPEED, MAX_AGE = range(6)
_BROWSE_NAME_INVALID: Final = 0x80600000
_BROWSE_NAME_DUPLICATED: Final = 0x80610000


class TooManyScenarios(AnalyticsError):
    """There are as many, or as large ones, as there may be."""

    status = int(Status.BadTooManyOperations)


@dataclass(frozen=True, slots=True)
class Wish:
    """twin: path, "" for the whole plant; roots: the twins to be copied; above: what names are relative to. machines:
    their models; given: inputs that are held, present: all that is known of tags, both by path of the plant."""

    twin: str
    above: str
    roots: tuple[Twin, ...]
    name: str
    machines: tuple[ModelUse, ...]
    given: Mapping[str, float]
    present: Mapping[str, float]
    speed: float
    age_s: float


def wish_of(arguments: Sequence[Any], stage: Stage, settings: ScenarioSettings, taken: Collection[str]) -> Wish:
    """From the arguments of CreateScenario; Twin as a path. taken: names of scenarios that there are. Raises
    ArgumentError, and NotAvailable where nothing can be simulated."""
    twin = str(arguments[TWIN] or "")
    roots = roots_of(arguments, stage)
    name = _name(str(arguments[NAME] or ""), taken)
    above = roots[0].path if len(roots) == 1 else ""
    machines, present = _known(roots, stage)
    given = given_of(arguments[NAMES], arguments[VALUES], machines, above, NAMES)
    speed = speed_of(arguments[SPEED], SPEED, settings)
    age_s = number_of(arguments[MAX_AGE], MAX_AGE, "MaxAge", 0.0, settings.max_age_s, 0.0) or settings.age_s
    if not machines:
        where = f"{twin} and the twins below it have" if twin else "the plant has"
        raise NotAvailable(f"{where} no model; give it one with model: in the plant file")
    return Wish(twin, above, roots, name, machines, given, present, speed, age_s)


def speed_of(argument: Any, index: int, settings: ScenarioSettings) -> float:
    """Raises ArgumentError."""
    return number_of(argument, index, "Speed", 0.0, settings.max_speed)


def given_of(names: Any, values: Any, machines: Sequence[ModelUse], above: str, index: int) -> dict[str, float]:
    """Inputs by path of the plant; where several roots were copied, names are such paths. Raises ArgumentError."""
    if not above and isinstance(names, Sequence) and not isinstance(names, str):
        names = [f"/{name}" if isinstance(name, str) and not name.startswith("/") else name for name in names]
    return overrides(names, values, machines, above, index)


def roots_of(arguments: Sequence[Any], stage: Stage) -> tuple[Twin, ...]:
    """The twins that are to be copied, without looking at anything below them. Raises ArgumentError."""
    twin = str(arguments[TWIN] or "")
    if not twin:
        return stage.plant().twins
    found = stage.space.twin_of(twin)
    if found is None:
        raise ArgumentError(TWIN, int(Status.BadNodeIdUnknown), f"there is no twin {twin}{_meant(twin, stage)}")
    if twin.startswith(f"{SCENARIOS}/"):
        raise ArgumentError(
            TWIN, int(Status.BadNotSupported), f"{twin} is a copy itself; copy the twin of the plant it was made of"
        )
    return (found,)


def _meant(twin: str, stage: Stage) -> str:
    """What a wrong path may have been meant for: twins of that name, else the nearest path."""
    paths = [one.path for root in stage.plant().twins for one in root.walk()]
    last = twin.rpartition("/")[2].lower()
    same = [path for path in paths if path.rpartition("/")[2].lower() == last]
    return f"; did you mean {' or '.join(same[:3])}?" if same else did_you_mean(twin, paths)


def _name(name: str, taken: Collection[str]) -> str:
    if not name:
        return ""
    if problem := name_problem(name):
        raise ArgumentError(NAME, _BROWSE_NAME_INVALID, problem)
    if name in taken:
        raise ArgumentError(NAME, _BROWSE_NAME_DUPLICATED, f"there is a scenario {name} already; delete it first")
    return name


def _known(roots: Sequence[Twin], stage: Stage) -> tuple[tuple[ModelUse, ...], dict[str, float]]:
    """The models of twins and those below, and the Good values of the tags they are bound to, by path of the plant."""
    machines: list[ModelUse] = []
    present: dict[str, float] = {}
    for root in roots:
        context = stage.context(root)
        machines += context.machines
        names = {path: shown(path, root.path) for use in context.machines for path in use.tags}
        present.update({path: context.present[name] for path, name in names.items() if name in context.present})
    return tuple(machines), present
