"""What an optimisation may change: commands and inputs of models, with the bounds in which it may do so."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analytics.arguments import Context, Signal
from analytics.errors import BAD_INVALID_ARGUMENT, BAD_NO_MATCH, BAD_OUT_OF_RANGE, ArgumentError
from analytics.simulation.constraints import NUMBER
from analytics.simulation.kinds import KINDS
from analytics.simulation.naming import input_ports, settable, shown
from analytics.simulation.vocabulary import near
from analytics.simulation.wiring import ModelUse, Source

_FORM: Final = re.compile(rf"\s*(?P<name>\S+)(?:\s+(?P<low>{NUMBER})\s*\.\.\s*(?P<high>{NUMBER}))?\s*")
_STEPS: Final = 50
"""Least steps over the range: what is proposed is rounded to a power of ten."""
Span = tuple[float, float]
_ANY: Final = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Variable:
    """name: as called on the twin. path: what a run is given, a tag or a port; command: path of the command that sets
    it, "" where none does. low, high: bounds in the tag's unit, and whose they are. step: what proposals are rounded
    to; whole: only multiples of it can be had. current: as it is now."""

    name: str
    path: str
    command: str
    unit: str
    low: float
    high: float
    step: float
    current: float
    low_of: str = ""
    high_of: str = ""
    whole: bool = False


def variables_of(texts: Sequence[str], context: Context, index: int) -> tuple[Variable, ...]:
    """Those that are named, by default all commands below the twin that feed models; not those of the process itself,
    which say what is wanted of it. Raises ArgumentError."""
    known = settable(context.machines)
    begin = {path for use in context.machines for path in _states(use)}
    found: dict[str, Variable] = {}
    for text in texts or list(_by_default(context, known)):
        form = _FORM.fullmatch(text)
        if form is None:
            raise ArgumentError(
                index,
                BAD_INVALID_ARGUMENT,
                f'"{text}" is no variable; right are "Pump1/SpeedSetpoint" or "Pump1/SpeedSetpoint 1200..2800"',
            )
        name = form["name"]
        path = next((one for one in _meant(name, context.twin) if one in known), None)
        if path is None:
            names = [shown(one, context.twin) for one in known if known[one] not in begin]
            raise ArgumentError(index, BAD_NO_MATCH, f'no model takes "{name}"; {near(name, names)}')
        if known[path] in begin:
            raise ArgumentError(
                index, BAD_NO_MATCH, f"{name} is where a run begins, and nothing that can be set; {_takes(context)}"
            )
        if known[path] in found:
            raise ArgumentError(index, BAD_INVALID_ARGUMENT, f"{name} and {found[known[path]].name} are the same")
        given = (float(form["low"]), float(form["high"])) if form["low"] else _ANY
        found[known[path]] = _variable(name, path, known[path], given, context, index)
    if not found:
        raise ArgumentError(index, BAD_NO_MATCH, f"no command below this twin feeds a model; {_takes(context)}")
    return tuple(found.values())


def _by_default(context: Context, known: Mapping[str, str]) -> Iterator[str]:
    wanted = {part.path for part in context.parts if part.scope == "process"}
    if context.scope == "process":
        wanted.add("")
    taken = set()
    for path in known:
        name = shown(path, context.twin)
        about = context.about.get(name)
        if about is None or not about.command or name.startswith("/") or known[path] in taken:
            continue
        if name.rpartition("/")[0] not in wanted:
            taken.add(known[path])
            yield name


def _takes(context: Context) -> str:
    names = [shown(one, context.twin) for one in settable(context.machines)]
    commands = [one for one in names if one in context.about and context.about[one].command]
    return f"models take {', '.join((commands or names)[:8]) or 'nothing'}"


def _variable(name: str, path: str, tag: str, given: Span, context: Context, index: int) -> Variable:
    about = context.about.get(shown(path, context.twin), Signal())
    command = path if about.command else ""
    of_tag = context.about.get(shown(tag, context.twin), Signal()) if path != tag else Signal()
    spans = {
        "as given": given,
        "what the command takes" if command else "its range": about.range or _ANY,
        "the range of its tag": of_tag.range or _ANY,
        "the validity of its model": _validity(context.machines, tag),
    }
    low_of, high_of = max(spans, key=lambda one: spans[one][0]), min(spans, key=lambda one: spans[one][1])
    low, high = spans[low_of][0], spans[high_of][1]
    if math.isinf(low) or math.isinf(high):
        raise ArgumentError(
            index, BAD_INVALID_ARGUMENT, f'{name} has neither range nor limits; give bounds: "{name} low..high"'
        )
    if not low <= high:
        raise ArgumentError(
            index, BAD_OUT_OF_RANGE, f"{name} has no values: {low:g} ({low_of}) is more than {high:g} ({high_of})"
        )
    whole = not about.analog
    step = 1.0 if whole else 10.0 ** math.floor(math.log10(max(high - low, 1e-9) / _STEPS))
    names = [shown(path, context.twin), shown(tag, context.twin)]
    current = next((context.present[one] for one in names if one in context.present), math.nan)
    return Variable(name, tag, command, about.unit or "", low, high, step, current, low_of, high_of, whole)


def _validity(uses: Sequence[ModelUse], tag: str) -> Span:
    """Where all models hold that take the tag or port directly, in its own unit."""
    low, high = _ANY
    for use in uses:
        for port in input_ports(use):
            ends = use.ranges.get(port.name, port.range)
            source = use.inputs.get(port.name, Source())
            if tag in (f"{use.twin}:{port.name}", f"{use.twin}:{use.name}.{port.name}"):
                low, high = max(low, ends[0]), min(high, ends[1])
            elif len(source.terms) == 1 and source.terms[0].name == tag and source.terms[0].factor:
                term = source.terms[0]
                told = [(end - term.offset - source.constant) / term.factor for end in ends]
                low, high = max(low, min(told)), min(high, max(told))
    return low, high


def _states(use: ModelUse) -> Iterator[str]:
    for port in KINDS[use.kind].states if use.kind in KINDS else ():
        yield from (f"{use.twin}:{port.name}", f"{use.twin}:{use.name}.{port.name}")
        if port.name in use.outputs:
            yield use.outputs[port.name].path


def _meant(name: str, twin: str) -> tuple[str, ...]:
    return (name[1:],) if name.startswith("/") else (f"{twin}/{name}", f"{twin}:{name}")
