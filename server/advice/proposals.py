"""Proposals: what an optimisation would have written, until somebody applies it or it is too late."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from analytics.series import TICKS_PER_SECOND
from drivers.readings import now_ticks
from server.advice.kept import Kept

VALID_S: Final = 900.0
"""The weather and the load go on: after a quarter of an hour a proposal is worked out anew."""
MOST_OF_A_TWIN: Final = 50
NAME: Final = "Proposal"


class State(StrEnum):
    """How far a proposal is. Only an Open one can be applied."""

    open = "Open"
    applied = "Applied"
    refused = "Refused"
    superseded = "Superseded"
    expired = "Expired"


class Change(msgspec.Struct, frozen=True):
    """name: as called on the twin; command: path, "" where none sets it; unit: UNECE common code. current, proposed: in
    that unit."""

    name: str
    command: str
    unit: str
    current: float | None
    proposed: float | None


class Proposal(msgspec.Struct, frozen=True):
    """id: "Proposal-7", of the twin with that path. by: who asked. expires_ticks: it may be applied until then. saving:
    with its 95 % interval, in `unit`, over the horizon asked for, at the steady state for each hour. reason: why it is
    in its state. ended_ticks, ended_by: when, by whom. Numbers that are not known are None."""

    id: str
    twin: str
    by: str
    created_ticks: int
    expires_ticks: int
    changes: tuple[Change, ...]
    saving: float | None
    low: float | None
    high: float | None
    percent: float | None
    unit: str
    binding: tuple[str, ...]
    models: tuple[str, ...]
    state: State = State.open
    reason: str = ""
    ended_ticks: int = 0
    ended_by: str = ""


class ProposalBook:
    """The proposals of all twins, of each the latest 50. Of one twin at most one is Open: the latest."""

    def __init__(self, file: Path, clock: Callable[[], int] = now_ticks, valid_s: float = VALID_S) -> None:
        self._kept: Kept[dict[str, list[Proposal]]] = Kept(file, dict[str, list[Proposal]], {})
        self._clock = clock
        self._valid_s = valid_s
        self._listeners: list[Callable[[str], None]] = []

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call listener(path of twin) after its proposals have changed."""
        self._listeners.append(listener)

    async def open(self) -> None:
        """Read what was kept."""
        await self._kept.open()

    async def flush(self) -> None:
        """Wait until all is on disk."""
        await self._kept.flush()

    @property
    def twins(self) -> Sequence[str]:
        """Those that have some."""
        return tuple(self._kept.value)

    def of(self, twin: str) -> Sequence[Proposal]:
        """All of a twin, oldest first; what is too old says so."""
        self._expire(twin)
        return tuple(self._kept.value.get(twin, ()))

    def find(self, twin: str, proposal_id: str) -> Proposal | None:
        """One of them."""
        return next((one for one in self.of(twin) if one.id == proposal_id), None)

    def add(self, twin: str, by: str, said: Mapping[str, Any]) -> Proposal:
        """A proposal from the results of OptimizeSetpoints, by their names; the one that was Open is Superseded."""
        now = self._clock()
        before = self.of(twin)
        number = 1 + max((int(one.id.rpartition("-")[2]) for one in before), default=0)
        columns = (said[name] for name in ("Names", "Commands", "Units", "Current", "Proposed"))
        made = Proposal(
            f"{NAME}-{number}",
            twin,
            by,
            now,
            now + round(self._valid_s * TICKS_PER_SECOND),
            tuple(
                Change(str(name), str(command), str(unit), known(current), known(proposed))
                for name, command, unit, current, proposed in zip(*columns, strict=True)
            ),
            known(said["Saving"]),
            known(said["SavingLow"]),
            known(said["SavingHigh"]),
            known(said["SavingPercent"]),
            str(said["ObjectiveUnit"]),
            tuple(str(one) for one in said["Binding"]),
            tuple(str(one) for one in said["Models"]),
        )
        why = f"{made.id} is newer"
        older = [_ended(one, State.superseded, why, "", now) if one.state is State.open else one for one in before]
        self._note(twin, [*older, made])
        return made

    def end(self, proposal: Proposal, state: State, reason: str, by: str) -> Proposal:
        """It has been applied, or is refused for good."""
        ended = _ended(proposal, state, reason, by, self._clock())
        self._note(proposal.twin, [ended if one.id == proposal.id else one for one in self.of(proposal.twin)])
        return ended

    def _expire(self, twin: str) -> None:
        now, some = self._clock(), self._kept.value.get(twin, [])
        if any(one.state is State.open and one.expires_ticks <= now for one in some):
            why = f"nobody applied it within {self._valid_s / 60.0:g} minutes"
            self._note(
                twin,
                [
                    _ended(one, State.expired, why, "", one.expires_ticks)
                    if one.state is State.open and one.expires_ticks <= now
                    else one
                    for one in some
                ],
            )

    def _note(self, twin: str, proposals: Sequence[Proposal]) -> None:
        self._kept.note({**self._kept.value, twin: list(proposals)[-MOST_OF_A_TWIN:]})
        for listener in self._listeners:
            listener(twin)


def known(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if math.isfinite(value) else None


def _ended(proposal: Proposal, state: State, reason: str, by: str, ticks: int) -> Proposal:
    return msgspec.structs.replace(proposal, state=state, reason=reason, ended_by=by, ended_ticks=ticks)
