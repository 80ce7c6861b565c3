"""The names that an optimisation may use on a twin: signals and key figures that its models give, inputs they take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from analytics.simulation.figures import KILOWATTS
from analytics.simulation.kinds import KINDS
from analytics.simulation.naming import output_ports, shown
from analytics.simulation.wiring import ModelUse

_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names as called on the twin. signals: what models give; inputs: tags that they take from others; figures: key
    figures of Simulate."""

    signals: frozenset[str]
    inputs: frozenset[str]
    figures: frozenset[str]

    @property
    def everything(self) -> frozenset[str]:
        """All of them."""
        return self.signals | self.inputs | self.figures


def vocabulary(uses: Sequence[ModelUse], twin: str, units: Mapping[str, str | None]) -> Vocabulary:
    """Of all models of a twin and of those below it, whichever of them will be used. units: of tags, by path."""
    signals: set[str] = set()
    figures: set[str] = set()
    inputs: set[str] = set()
    for use in uses:
        for port in output_ports(use):
            term = use.outputs.get(port.name)
            paths = [term.path] if term else [f"{use.twin}:{port.name}", f"{use.twin}:{use.name}.{port.name}"]
            unit = (units.get(term.path) if term else None) or port.unit
            names = [shown(path, twin) for path in paths]
            signals.update(names)
            figures.update(f"Mean({name})" for name in names)
            figures.update(f"Energy({name})" for name in names if unit in KILOWATTS)
        machine = use.name if use.twin == twin else shown(use.twin, twin)
        figures.update(f"{ratio}({machine})" for ratio, _, _ in (KINDS[use.kind].ratios if use.kind in KINDS else ()))
        inputs.update(shown(tag, twin) for tag in use.tags)
    return Vocabulary(frozenset(signals), frozenset(inputs - signals), frozenset(figures))


def longest(text: str, at: int, known: Collection[str]) -> str:
    """The longest known name that stands at a place in a text; "" where none does."""
    found = ""
    for name in known:
        if len(name) > len(found) and text.startswith(name, at):
            after = text[at + len(name) : at + len(name) + 1]
            if not after or not (after.isalnum() or after in "_/:("):
                found = name
    return found


def near(name: str, known: Iterable[str]) -> str:
    """What somebody may have meant, for a message."""
    names = sorted(known)
    tail = _tail(name)
    same = [one for one in names if _tail(one) == tail]
    close = get_close_matches(name, names, _MOST, 0.6)
    said = list(dict.fromkeys([*same, *close]))[:_MOST]
    if said:
        return f"did you mean {', '.join(said)}?"
    return f"there are {', '.join(names[:_MOST])}{', ...' if len(names) > _MOST else ''}" if names else "there are none"


def _tail(name: str) -> str:
    return name.rstrip(")").rpartition("(")[2].rpartition("/")[2].rpartition(":")[2].lower()
