"""Which models a calibration runs and what it compares: the models of the parameters, fed by measurements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analytics.process.stations import State, Station
from analytics.simulation.choosing import cost_s
from analytics.simulation.naming import output_ports, shown
from analytics.simulation.parameters import Tuned
from analytics.simulation.wiring import ModelUse

_WORKING = frozenset((State.running, State.setup, State.starved, State.blocked))


@dataclass(frozen=True, slots=True)
class Team:
    """owners: the models that have the parameters. others: those that feed them by ports, and, of owners that give no
    tag, those that take what they give. outputs: tags that are compared, by path."""

    owners: tuple[ModelUse, ...]
    others: tuple[ModelUse, ...]
    outputs: tuple[str, ...]

    @property
    def uses(self) -> tuple[ModelUse, ...]:
        """All of them."""
        return (*self.owners, *self.others)


def team_of(wanted: Sequence[Tuned], uses: Sequence[ModelUse]) -> Team:
    """What a tag tells comes from measurements, so that no model suffers from the faults of another; only ports that
    are no tags come from other models."""
    owners = list({id(one.use): one.use for one in wanted}.values())
    found = list(owners)
    outputs: dict[str, None] = {}
    for owner in owners:
        told = [term.path for term in owner.outputs.values()]
        if not told:
            takers = _takers(owner, uses, found)
            found.extend(one for one in takers if not _same(one, found))
            told = [term.path for one in takers for term in one.outputs.values()]
        outputs.update(dict.fromkeys(told))
    for one in found:  # grows meanwhile
        found.extend(giver for giver in _givers(one, uses, found) if not _same(giver, found))
    return Team(tuple(owners), tuple(found[len(owners) :]), tuple(outputs))


def _same(one: ModelUse, found: Iterable[ModelUse]) -> bool:
    return any(one is other for other in found)


def _wants(use: ModelUse) -> list[tuple[str, str]]:
    """Ports of other models that it takes, by path of the twin."""
    return [(term.path, term.port) for source in use.inputs.values() for term in source.terms if term.port]


def _gives(use: ModelUse, path: str, port: str) -> bool:
    """port: "head", or "model.head" where several models of the twin have one."""
    model, _, name = port.rpartition(".")
    return use.twin == path and model in ("", use.name) and name in {one.name for one in output_ports(use)}


def _givers(use: ModelUse, uses: Sequence[ModelUse], found: Sequence[ModelUse]) -> list[ModelUse]:
    """Of each port that it takes the model that is there already, else the one that is true for least."""
    givers = []
    for path, port in _wants(use):
        able = [one for one in uses if _gives(one, path, port)]
        if able and not any(_same(one, found) for one in able):
            givers.append(min(able, key=lambda one: (one.fidelity, cost_s(one))))
    return list({id(one): one for one in givers}.values())


def _takers(use: ModelUse, uses: Sequence[ModelUse], found: Sequence[ModelUse]) -> list[ModelUse]:
    """Those that take what a model gives and tell it by a tag; one for each tag."""
    taken = {term.path for one in found for term in one.outputs.values()}
    takers = []
    for one in sorted(uses, key=lambda one: one.fidelity):
        given = {term.path for term in one.outputs.values()}
        if given and not given & taken and any(_gives(use, path, port) for path, port in _wants(one)):
            takers.append(one)
            taken |= given
    return takers


def states_of(team: Team, stations: Sequence[Station], twin: str) -> dict[str, tuple[int, ...]]:
    """The signals, as they are called on the twin, that say whether a machine of these models works, with the values
    that mean it does."""
    told: dict[str, tuple[int, ...]] = {}
    by_path: Mapping[str, Station] = {one.path: one for one in stations if one.state}
    for use in team.uses:
        path = "" if use.twin == twin else shown(use.twin, twin)
        while path not in by_path and path:
            path = path.rpartition("/")[0]
        if path in by_path:
            station = by_path[path]
            told[station.state] = tuple(value for value, state in station.states.items() if state in _WORKING)
    return told
