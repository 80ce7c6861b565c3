"""From a wish to a scenario with its nodes and rows, all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.errors import NotAvailable
from analytics.simulation.advance import Beginning
from analytics.simulation.naming import settable
from drivers.readings import TICKS_PER_SECOND, Readings
from drivers.status import Status, is_good
from server.address_space.grafts import Graft
from server.address_space.index import AddressSpaceError
from server.config.diagnostics import SCENARIOS, scenario_tags
from server.config.plant import Tag
from server.scenarios.copying import Copier, tags_of
from server.scenarios.room import Room
from server.scenarios.scenario import Copy, Scenario
from server.scenarios.stage import Stage
from server.scenarios.wish import Wish


@dataclass(slots=True, eq=False)
class Made:
    """A scenario and all that has to go with it. tags: those that have rows; values: what its copier takes for what
    stands outside."""

    scenario: Scenario
    tags: Sequence[Tag]
    wish: Wish
    copier: Copier
    values: dict[str, float]

    def bind_anew(self, stage: Stage, given: Mapping[str, float]) -> None:
        """What feeds the copy from outside is a constant of the models of its twins, and has become another one."""
        self.values.update(given)
        before = self.scenario.copy.graft
        graft = replace(before, twins=tuple(map(self.copier.twin, self.wish.roots)))
        stage.space.regraft(graft)
        self.scenario.copy = replace(self.scenario.copy, graft=graft)
        stage.forget(before.path)


def make(
    scenario_id: str,
    wish: Wish,
    beginning: Beginning,
    stage: Stage,
    room: Room,
    most_speed: float,
    clock: Callable[[], int],
) -> Made:
    """Raises NotAvailable where names collide, and then nothing is left of it."""
    path = f"{SCENARIOS}/{scenario_id}"
    uses = [wish.machines[number] for number in beginning.uses]
    values = {**wish.present, **wish.given}
    originals = list(tags_of(wish.roots))
    most_inputs = len({*beginning.inputs, *settable(uses).values()})
    about = scenario_tags(path, most_inputs, len(uses), most_speed)
    rows = room.take([*originals, *about])
    own = tuple(replace(tag, row=row) for tag, row in zip(about, rows[len(originals) :], strict=True))
    row_of = {tag.row: row for tag, row in zip(originals, rows, strict=False)}
    copier = Copier(wish.roots, path, row_of, wish.machines, values)
    copies = [copier.tag(tag) for tag in originals]
    stage.seat([*copies, *own])
    graft = Graft(path, own, tuple(map(copier.twin, wish.roots)))
    try:
        stage.space.graft(graft)
    except AddressSpaceError as error:
        room.give_back([*copies, *own])
        raise NotAvailable(str(error)) from None
    copy = Copy(
        scenario_id, wish.twin, graft, {one.path: other for one, other in zip(originals, copies, strict=True)}, uses
    )
    inputs = {name: values[name] for name in beginning.inputs}
    expires = clock() + round(wish.age_s * TICKS_PER_SECOND)
    scenario = Scenario(copy, beginning, inputs, wish.speed, expires, stage.table, clock)
    _copy_values(originals, copies, stage, scenario.ticks)
    scenario.commit()
    scenario.show()
    return Made(scenario, [*copies, *own], wish, copier, values)


def _copy_values(originals: Sequence[Tag], copies: Sequence[Tag], stage: Stage, ticks: int) -> None:
    """What no model gives stays as it was: with the same quality where it is a command, or what an interlock asks for,
    for these are what the scenario begins with; else it is the last value that could be had."""
    table = stage.table
    old = np.array([tag.row for tag in originals], np.int32)
    before, had = table.current(old), table.has_value[old]
    kept = _asked(copies)
    status = np.array(
        [
            was if copy.command is not None or copy.row in kept else _last(was, has)
            for copy, was, has in zip(copies, before.status.tolist(), had.tolist(), strict=True)
        ],
        np.uint32,
    )
    rows = np.array([copy.row for copy in copies], np.int32)
    table.commit(Readings(rows, before.value, status, np.full(len(rows), ticks, np.int64), before.side))


def _asked(copies: Iterable[Tag]) -> frozenset[int]:
    """Rows that interlocks ask for."""
    rules = [tag.command for tag in copies if tag.command is not None]
    return frozenset(one.row for rule in rules for interlock in rule.interlocks for one in interlock.conditions)


def _last(status: int, has_value: bool) -> int:
    """Of a tag that nothing feeds any more: OPC UA Part 8, 7.3.2."""
    if not has_value:
        return Status.BadNotConnected
    return Status.UncertainLastUsableValue if is_good(status) else status
