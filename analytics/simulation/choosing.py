"""Which of the models of a twin and of those below it are used: of those that say the same, the one of the lowest
fidelity that answers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from analytics.errors import NotAvailable
from analytics.simulation.fmu import load_fmu
from analytics.simulation.kinds import FMU, KINDS, ONNX
from analytics.simulation.naming import shown
from analytics.simulation.onnx_model import load_onnx
from analytics.simulation.parts import Part, part_of, state_names
from analytics.simulation.system import ModelError, System
from analytics.simulation.wiring import ModelUse


def cost_s(use: ModelUse) -> float:
    """Processor seconds for a simulated hour; NaN where it has not been measured."""
    return use.cost_s if not math.isnan(use.cost_s) or use.kind not in KINDS else KINDS[use.kind].cost_s


def load(use: ModelUse) -> Part:
    """The part that a model is. Raises NotAvailable, ModelError."""
    return load_fmu(use) if use.kind == FMU else load_onnx(use) if use.kind == ONNX else part_of(use)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run is for. twin: path; model: the name of one of its models, "": the default; forced: names that are
    given; values: what is known of tags at the beginning, by path."""

    twin: str
    model: str
    forced: Collection[str]
    values: Mapping[str, float]


def compose(uses: Sequence[ModelUse], wish: Wish) -> tuple[System, tuple[ModelUse, ...]]:
    """The system, and the models in it. uses: parents first. A model is left out where another one, further up or of a
    lower fidelity, gives the same tag. One that lacks an input, cannot be loaded, or would be used outside of its
    validity makes room for the next that can do better. Raises NotAvailable where none can, and says why."""
    banned: set[int] = set()
    beyond: tuple[System, tuple[ModelUse, ...]] | None = None
    while True:
        chosen = _chosen(uses, wish, banned)
        system, bad, why = _built(chosen, wish)
        if system is not None and not bad:
            return system, chosen
        if system is not None and beyond is None:
            beyond = system, chosen
        replaceable = [use for use in bad if _others(use, uses, banned | {id(one) for one in bad})]
        if not replaceable:
            if beyond is not None:
                return beyond
            raise NotAvailable(why)
        banned.update(id(use) for use in replaceable)


def _built(chosen: tuple[ModelUse, ...], wish: Wish) -> tuple[System | None, list[ModelUse], str]:
    """The system; the models that another one should replace (with a system: because they extrapolate); why."""
    parts, bad, why = [], [], []
    for use in chosen:
        try:
            parts.append(load(use))
        except (NotAvailable, ModelError) as error:
            bad.append(use)
            why.append(str(error))
    if bad:
        return None, bad, "; ".join(why)
    try:
        system = System(parts, tuple(frozenset(wish.forced) - state_names(parts)))
    except ModelError as error:
        return None, list(chosen), str(error)
    missing = [name for name in system.inputs if name not in wish.values]
    if missing:
        bad = [use for use in chosen if any(name in use.tags for name in missing)]
        told = ", ".join(shown(name, wish.twin) for name in missing[:5])
        return None, bad, f"there is no Good value of {told}; give it one in Names and Values"
    return system, [use for use, part in zip(chosen, parts, strict=True) if _extrapolates(part, wish)], ""


def _extrapolates(part: Part, wish: Wish) -> bool:
    """Whether an input that comes from outside begins beyond the validity."""
    for port in part.input_ports:
        own = f"{part.twin}:{port.name}"
        source = part.inputs[port.name]
        if own in wish.forced:
            value = wish.values[own]
        elif source.terms and all(not term.port and term.path in wish.values for term in source.terms):
            told = (term.factor * wish.values[term.path] + term.offset for term in source.terms)
            value = source.constant + sum(told)
        else:
            continue
        if not port.range[0] <= value <= port.range[1]:
            return True
    return False


def _chosen(uses: Sequence[ModelUse], wish: Wish, banned: Collection[int]) -> tuple[ModelUse, ...]:
    taken: set[str] = set()
    bare: set[str] = set()
    found = []
    for twin in dict.fromkeys(use.twin for use in uses):
        own = [use for use in uses if use.twin == twin and id(use) not in banned]
        for use in sorted(own, key=lambda one: _rank(one, own, wish)):
            given = {term.path for term in use.outputs.values()}
            if given & taken or (not given and twin in bare):
                continue
            taken |= given
            if not given:
                bare.add(twin)
            found.append(use)
    return tuple(found)


def _rank(use: ModelUse, own: Iterable[ModelUse], wish: Wish) -> tuple[bool, int, int, float]:
    asked = use.twin == wish.twin and bool(wish.model) and use.name != wish.model
    taken = {name for one in own for name in wish.forced if _takes(one, name)}
    lacking = sum(not _takes(use, name) for name in taken)
    cost = cost_s(use)
    return asked, lacking, use.fidelity, math.inf if math.isnan(cost) else cost


def _takes(use: ModelUse, name: str) -> bool:
    ports = KINDS[use.kind].inputs if use.kind in KINDS else use.input_ports
    fed = {term.name for source in use.inputs.values() for term in source.terms}
    return name in fed or name in {f"{use.twin}:{port.name}" for port in ports}


def _others(use: ModelUse, uses: Iterable[ModelUse], banned: Collection[int]) -> bool:
    """Whether another model of the same twin gives one of its tags."""
    given = {term.path for term in use.outputs.values()}
    return any(
        other.twin == use.twin
        and id(other) not in banned
        and (not given or bool(given & {term.path for term in other.outputs.values()}))
        for other in uses
    )
