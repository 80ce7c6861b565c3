"""Where proposals are decided on: whether one may be applied, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from analytics.errors import BAD_NO_MATCH, AnalyticsError, ArgumentError
from drivers.status import Status
from nodesets.units import unit
from server.advice.applying import Applied, Applying, NotApplicable
from server.advice.modes import Modes
from server.advice.notices import LEFT_HALF, REFUSED, TOLD, Notices
from server.advice.proposals import Proposal, ProposalBook, State
from server.advice.saving import Savings
from server.analysis.library import moment
from server.config.optimization import Mode


class NotAllowed(AnalyticsError):
    """A call that is refused, in words. status: of the whole call."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = int(status)


class Desk:
    """Applies proposals, one at a time."""

    def __init__(
        self, book: ProposalBook, modes: Modes, applying: Applying, savings: Savings, notices: Notices
    ) -> None:
        self._book = book
        self._modes = modes
        self._applying = applying
        self._savings = savings
        self._notices = notices
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[tuple[Proposal, Applied]]] = set()

    def find(self, twin: str, proposal_id: str) -> Proposal:
        """Raises ArgumentError for one that the twin has not."""
        found = self._book.find(twin, proposal_id)
        if found is None:
            newest = [one.id for one in reversed(self._book.of(twin))][:5]
            known = ", ".join(newest) or "none; OptimizeSetpoints makes one"
            raise ArgumentError(0, BAD_NO_MATCH, f'the twin has no proposal "{proposal_id}"; it has {known}')
        return found

    async def apply(
        self, twin: str, proposal_id: str, user: str, halted: Callable[[], str] = lambda: ""
    ) -> tuple[Proposal, Applied]:
        """Write all of it, or put back what was written. Goes on to its end whoever waits no more. halted: says why not
        to go on. Raises ArgumentError, and NotAllowed where nothing was written."""
        self.find(twin, proposal_id)
        task = asyncio.create_task(self._apply(twin, proposal_id, user, halted), name=f"apply {proposal_id}")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Wait for what is under way: half of a proposal is nothing to stop at."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _ended(self, task: asyncio.Task[tuple[Proposal, Applied]]) -> None:
        """Nobody else need look at it: the proposal keeps how it ended."""
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()

    async def _apply(
        self, twin: str, proposal_id: str, user: str, halted: Callable[[], str]
    ) -> tuple[Proposal, Applied]:
        async with self._turn:
            proposal = self.find(twin, proposal_id)
            if why := self._refusal(proposal):
                raise self._refused(proposal, user, why)
            try:
                applied = await self._applying.apply(proposal, user, halted)
            except NotApplicable as error:
                if error.final:
                    self._book.end(proposal, State.refused, str(error), user)
                raise self._refused(proposal, user, str(error)) from None
            return self._end(proposal, applied, user), applied

    def _refusal(self, proposal: Proposal) -> str:
        if self._modes.of(proposal.twin).mode is Mode.advisory:
            return "the mode is advisory: proposals are for reading only; SetOptimizationMode changes that"
        if proposal.state is State.open:
            return ""
        when = moment(proposal.ended_ticks) if proposal.ended_ticks else "before"
        return f"it is {proposal.state} since {when} ({proposal.reason})"

    def _refused(self, proposal: Proposal, user: str, why: str) -> NotAllowed:
        message = f"{proposal.id} of {proposal.twin} was not applied for {user}: {why}"
        self._notices.tell(proposal.twin, REFUSED, message)
        return NotAllowed(Status.BadInvalidState, f"{proposal.id}: {why}")

    def _end(self, proposal: Proposal, applied: Applied, user: str) -> Proposal:
        state = State.applied if applied.done else State.refused
        ended = self._book.end(proposal, state, applied.words, user)
        said = f"{proposal.id} of {proposal.twin}"
        if applied.done:
            self._savings.begin(proposal.twin, {one.path: one.before for one in applied.writes}, proposal)
            message = f"{said} was applied by {user}: {applied.words}. It is to save {saving_words(proposal)}"
            self._notices.tell(proposal.twin, TOLD, message)
        else:
            left = any(one.left for one in applied.writes)
            message = f"{said} was refused for {user}: {applied.words}"
            self._notices.tell(proposal.twin, LEFT_HALF if left else REFUSED, message)
        return ended


def saving_words(proposal: Proposal) -> str:
    """What it is to save: "12.3 kWh (95 %: 10.1 to 14.5), 8 %"."""
    if proposal.saving is None:
        return "an amount that is not known"
    symbol = f" {unit(proposal.unit).symbol}" if proposal.unit else ""
    words = f"{proposal.saving:.4g}{symbol}"
    if proposal.low is not None and proposal.high is not None:
        words += f" (95 %: {proposal.low:.4g} to {proposal.high:.4g})"
    return words if proposal.percent is None else f"{words}, {proposal.percent:.3g} %"
