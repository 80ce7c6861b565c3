"""Which signals are electric power, and which of them count so that nothing counts twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analytics.simulation.figures import KILOWATTS, Units
from analytics.simulation.kinds import FMU, KINDS, ONNX
from analytics.simulation.naming import output_ports
from analytics.simulation.system import Signal, System
from analytics.simulation.wiring import ModelUse

_NAMES: Final = frozenset({"power", "electricpower", "electric_power", "activepower", "active_power"})
"""Ports and tags of files that are taken for electric power."""
_PORT: Final = "power"
"""Of machines of a known kind."""


def has_electric(uses: Iterable[ModelUse]) -> bool:
    """Whether any of the models gives electric power."""
    return any(
        _electric(use.kind, port.name, use.outputs[port.name].path if port.name in use.outputs else "")
        for use in uses
        for port in output_ports(use)
    )


def totals(system: System, units: Units) -> list[Signal]:
    """The powers that together are all electric power of a system: totals, and what is in no total. A sum is electric
    where all of its terms that models give are, and at least one is. units: of signals."""
    known = {one.name: one for one in system.signals}
    at_port = {(one.part, one.port.name): one for one in system.signals}
    found = {
        name: one
        for name, one in known.items()
        if units[name] in KILOWATTS and _electric(system.parts[one.part].model.kind, one.port.name, name)
    }
    covered: set[str] = set()
    sums = {at: part for at, part in enumerate(system.parts) if part.model.kind == "sum"}
    for _ in range(len(sums)):
        for at in list(sums):
            terms = [known[term.name].name for term in sums[at].inputs["value"].terms if term.name in known]
            total = at_port[at, "total"]
            if terms and all(term in found for term in terms) and units[total.name] in KILOWATTS:
                covered.update(terms)
                found[total.name] = total
                del sums[at]
    return [one for name, one in found.items() if name not in covered]


def _electric(kind: str, port: str, path: str) -> bool:
    if kind in KINDS:
        return port == _PORT
    names = {port.lower(), path.rpartition("/")[2].lower()}
    return kind in (FMU, ONNX) and bool(names & _NAMES)
