"""The functions about proposals and modes that the server does itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from analytics.errors import BAD_NO_MATCH, ArgumentError
from analytics.simulation.naming import shown
from drivers.status import Status, name
from server.advice.desk import Desk, NotAllowed, saving_words
from server.advice.modes import Modes
from server.advice.proposals import Proposal, ProposalBook, State
from server.advice.saving import Savings
from server.analysis.managing import Asked, Outcome
from server.config.optimization import Mode, Optimization

_NAN: Final = float("nan")


class Advising:
    """Does them. Raises ArgumentError, NotAllowed, NotAvailable."""

    def __init__(self, desk: Desk, book: ProposalBook, modes: Modes, savings: Savings) -> None:
        self._desk = desk
        self._book = book
        self._modes = modes
        self._savings = savings
        self.functions: Mapping[str, Callable[[Asked], Awaitable[Outcome]]] = {
            "ApplyProposal": self._apply,
            "ListProposals": self._list,
            "GetProposal": self._get,
            "SetOptimizationMode": self._set_mode,
            "GetOptimization": self._tell,
        }

    async def _apply(self, asked: Asked) -> Outcome:
        if not asked.user.may_operate:
            raise NotAllowed(Status.BadUserAccessDenied, "proposals are applied by operators")
        proposal, applied = await self._desk.apply(asked.twin, asked.arguments[0] or "", asked.user.name)
        await self._book.flush()
        columns = (
            [one.name for one in applied.writes],
            [one.before for one in applied.writes],
            [one.proposed for one in applied.writes],
            [one.now for one in applied.writes],
            [name(one.status) for one in applied.writes],
            [one.reason for one in applied.writes],
        )
        words = "" if applied.done and applied.writes else applied.words
        return (str(proposal.state), *columns, applied.done, words), ""

    async def _list(self, asked: Asked) -> Outcome:
        wanted = (asked.arguments[0] or "").strip().lower()
        if wanted and wanted not in [one.lower() for one in State]:
            raise ArgumentError(
                0, BAD_NO_MATCH, f'there is no state "{asked.arguments[0]}"; there are {", ".join(State)}'
            )
        some = [one for one in reversed(self._book.of(asked.twin)) if wanted in ("", one.state.lower())]
        columns = (
            [one.id for one in some],
            [str(one.state) for one in some],
            [one.created_ticks for one in some],
            [one.expires_ticks for one in some],
            [one.by for one in some],
            [_number(one.saving) for one in some],
            [one.unit for one in some],
            [_summary(one) for one in some],
        )
        return (*columns, True, ""), ""

    async def _get(self, asked: Asked) -> Outcome:
        one = self._desk.find(asked.twin, asked.arguments[0] or "")
        results = (
            str(one.state),
            one.created_ticks,
            one.expires_ticks,
            one.by,
            one.ended_ticks,
            one.ended_by,
            [change.name for change in one.changes],
            [change.command for change in one.changes],
            [change.unit for change in one.changes],
            [_number(change.current) for change in one.changes],
            [_number(change.proposed) for change in one.changes],
            _number(one.saving),
            _number(one.low),
            _number(one.high),
            one.unit,
            _number(one.percent),
            list(one.binding),
        )
        return (*results, True, one.reason), ""

    async def _set_mode(self, asked: Asked) -> Outcome:
        said = (asked.arguments[0] or "").strip().lower()
        mode = next((one for one in Mode if one == said), None)
        if mode is None:
            raise ArgumentError(
                0, BAD_NO_MATCH, f'there is no mode "{asked.arguments[0]}"; there are {", ".join(Mode)}'
            )
        if mode is Mode.autonomous and not asked.user.may_engineer:
            raise NotAllowed(Status.BadUserAccessDenied, "only engineers let the server act by itself")
        before = self._modes.set(asked.twin, mode, asked.user.name)
        await self._modes.flush()
        return (str(before.mode), True, self._modes.words(asked.twin)), ""

    async def _tell(self, asked: Asked) -> Outcome:
        standing = self._modes.of(asked.twin)
        twin = self._modes.twins.get(asked.twin)
        told = (twin.optimization if twin is not None else None) or Optimization()
        proposals = self._book.of(asked.twin)
        counted = self._savings.of(asked.twin)
        limits = told.limits.values()
        results = (
            str(standing.mode),
            self._modes.words(asked.twin),
            standing.since_ticks,
            told.aim.objective,
            list(told.aim.variables),
            list(told.aim.constraints),
            told.aim.horizon_s,
            told.every_s,
            [shown(path, asked.twin) for path in told.limits],
            [one.low for one in limits],
            [one.high for one in limits],
            [one.step for one in limits],
            proposals[-1].id if proposals else "",
            counted.since_ticks if counted is not None else 0,
            self._savings.why_not(asked.twin),
        )
        return (*results, True, ""), ""


def _summary(one: Proposal) -> str:
    moves = ", ".join(
        f"{change.name} {_number(change.current):g} -> {_number(change.proposed):g}"
        for change in one.changes
        if change.current != change.proposed
    )
    return f"{moves}: saves {saving_words(one)}{f'; {one.reason}' if one.reason else ''}"


def _number(value: float | None) -> float:
    return _NAN if value is None else value
