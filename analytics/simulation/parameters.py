"""Parameters of models by the names they are called on a twin: "resistance", "Pump1:resistance", "steady.approach"."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.errors import BAD_INVALID_ARGUMENT, BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError
from analytics.simulation.calibrated import key_of
from analytics.simulation.kinds import KINDS
from analytics.simulation.model import Parameter
from analytics.simulation.naming import shown
from analytics.simulation.wiring import ModelUse


@dataclass(frozen=True, slots=True)
class Tuned:
    """A parameter that is looked for. name: as it is called on the twin. value: in use now. low, high: its bounds."""

    name: str
    use: ModelUse
    parameter: Parameter
    value: float
    low: float
    high: float

    @property
    def key(self) -> str:
        """What it is called in the record of a calibration."""
        return key_of(self.use, self.parameter.name)


def known_parameters(uses: Sequence[ModelUse], twin: str) -> dict[str, Tuned]:
    """All that there are, by name: with the model's where several models of a twin have such a parameter."""
    found = [(use, one) for use in uses if use.kind in KINDS for one in KINDS[use.kind].parameters]
    count = Counter((use.twin, one.name) for use, one in found)
    named = {}
    for use, one in found:
        where = "" if use.twin == twin else f"{shown(use.twin, twin)}:"
        name = f"{where}{one.name}" if count[use.twin, one.name] == 1 else f"{where}{use.name}.{one.name}"
        named[name] = Tuned(name, use, one, use.parameters.get(one.name, one.default), one.low, one.high)
    return named


def tuned(names: object, bounds: object, uses: Sequence[ModelUse], twin: str, index: int) -> tuple[Tuned, ...]:
    """The arguments Parameters and Bounds (at index and index + 1). Raises ArgumentError."""
    listed = _listed(names, index, "Parameters", str)
    if not listed:
        known = ", ".join(list(known_parameters(uses, twin))[:12]) or "none"
        raise ArgumentError(index, BAD_INVALID_ARGUMENT, f"Parameters names none; there are {known}")
    known_by_name = known_parameters(uses, twin)
    found: dict[str, Tuned] = {}
    for name in listed:
        one = _meant(str(name), known_by_name, uses, twin, index)
        if one.name in found:
            raise ArgumentError(index, BAD_INVALID_ARGUMENT, f"{name} is given twice")
        found[one.name] = one
    _check_together(found.values(), index)
    return _bounded(list(found.values()), _listed(bounds, index + 1, "Bounds", (int, float)), index + 1)


def _listed(argument: object, index: int, name: str, of: type | tuple[type, ...]) -> Sequence[float]:
    if argument is None:
        return ()
    if isinstance(argument, str) or not isinstance(argument, Sequence):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} is an array")
    if not all(isinstance(one, of) and not isinstance(one, bool) for one in argument):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} has something that is none of its type")
    return argument


def _meant(name: str, known: dict[str, Tuned], uses: Sequence[ModelUse], twin: str, index: int) -> Tuned:
    where, _, rest = name.rpartition(":")
    model, _, parameter = rest.rpartition(".")
    path = f"{twin}/{where}" if where else twin
    fitting = [
        one
        for one in known.values()
        if (one.use.twin, one.parameter.name) == (path, parameter) and model in ("", one.use.name)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(one.name for one in fitting)
        raise ArgumentError(index, BAD_NO_MATCH, f'"{name}" may mean {names}')
    files = [use for use in uses if use.twin == path and use.kind not in KINDS and model in ("", use.name)]
    if files:
        what = f"{files[0].name} is a file ({files[0].kind}), whose parameters belong to the tool that made it"
        raise ArgumentError(index, BAD_NO_MATCH, f'"{name}" cannot be calibrated: {what}; only kinds of models can be')
    near = [one for one in known if one.rpartition(":")[2].rpartition(".")[2].lower() == parameter.lower()]
    own = [one.name for one in known.values() if one.use.twin == path]
    told = ", ".join((near or own or list(known))[:12]) or "none"
    raise ArgumentError(index, BAD_NO_MATCH, f'"{name}" is no parameter of the models; there are {told}')


def _check_together(found: object, index: int) -> None:
    """Two models that give the same tag are never used together."""
    givers: dict[str, Tuned] = {}
    for one in list(found):  # type: ignore[call-overload]
        for term in one.use.outputs.values():
            other = givers.setdefault(term.path, one)
            if (other.use.twin, other.use.name) != (one.use.twin, one.use.name):
                message = (
                    f"{other.name} and {one.name} belong to two models of the same tag, {term.path}; one at a time"
                )
                raise ArgumentError(index, BAD_INVALID_ARGUMENT, message)


def _bounded(found: list[Tuned], bounds: Sequence[float], index: int) -> tuple[Tuned, ...]:
    if not bounds:
        return tuple(found)
    if len(bounds) != 2 * len(found):
        message = (
            f"{len(found)} Parameters have {len(bounds)} Bounds; each needs a low and a high one, or Bounds is empty"
        )
        raise ArgumentError(index, BAD_INVALID_ARGUMENT, message)
    narrowed = []
    for one, low, high in zip(found, bounds[0::2], bounds[1::2], strict=True):
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            message = f"the bounds of {one.name} are {low:g} and {high:g}; the second is to be above the first"
            raise ArgumentError(index, BAD_OUT_OF_RANGE, message)
        if low < one.low or high > one.high:
            message = f"{one.name} is within {one.low:g} and {one.high:g}; {low:g} to {high:g} goes beyond"
            raise ArgumentError(index, BAD_OUT_OF_RANGE, message)
        narrowed.append(Tuned(one.name, one.use, one.parameter, one.value, float(low), float(high)))
    return tuple(narrowed)
