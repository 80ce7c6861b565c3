"""Polls by callbacks: what is usual needs no task, and what is not goes on in one from the answers that are there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from drivers.driver import GoOn, PollGroup
from drivers.errors import LinkLost
from drivers.modbus.channel import Answer
from drivers.modbus.line import Line
from drivers.modbus.mbap import Came
from drivers.modbus.read_plan import ReadPlan
from drivers.packed import Packed
from drivers.readings import Readings, now_ticks

Done = Callable[[Packed | GoOn], None]
Complete = Callable[[PollGroup, ReadPlan, Sequence[Answer] | LinkLost], Awaitable[Readings]]
"""Finishes a poll whose first blocks have these answers, or whose connection is gone."""


class PromptPolls:
    """Of one connection, one at a time. Between the requests of a poll that are not sent together the turn is given
    to whoever waits for it; the poll then goes on as any other."""

    def __init__(self, line: Line, complete: Complete) -> None:
        self._line: Final = line
        self._complete: Final = complete
        self._group: PollGroup
        self._plan: ReadPlan
        self._done: Done
        self._came: list[bytes] = []

    def begin(self, group: PollGroup, plan: ReadPlan, done: Done) -> bool:
        """`drivers.driver.Prompt.begin`, for the plan in force."""
        if not plan.volleys or plan.refused.size:
            return False
        channel = self._line.enter()
        if channel is None:
            return False
        self._group, self._plan, self._done = group, plan, done
        self._came.clear()
        try:
            channel.fire(plan.volleys[0], self._take)
        except LinkLost:
            self._line.leave()
            return False
        return True

    def _take(self, came: Came) -> None:
        self._line.leave()
        if isinstance(came, list):
            data = self._plan.volleys[len(self._came)].join(came)
            if data is None:
                self._hand_over([*self._replies(), *came])
                return
            came = data
        if isinstance(came, LinkLost):
            self._hand_over(came)
            return
        if len(self._plan.volleys) == 1:
            self._done(Packed(self._plan.shape, self._plan.rows, came, now_ticks()))
            return
        self._came.append(came)
        if len(self._came) == len(self._plan.volleys):
            self._done(Packed(self._plan.shape, self._plan.rows, b"".join(self._came), now_ticks()))
            return
        self._ask_on()

    def _ask_on(self) -> None:
        """Send the next requests, if nobody else wants to."""
        channel = self._line.enter()
        if channel is None:
            self._hand_over(self._replies())
            return
        try:
            channel.fire(self._plan.volleys[len(self._came)], self._take)
        except LinkLost as error:
            self._line.leave()
            self._hand_over(error)

    def _replies(self) -> list[Answer]:
        """The answers that are there."""
        pairs = zip(self._plan.volleys, self._came, strict=False)
        return [reply for volley, data in pairs for reply in volley.cut(data)]

    def _hand_over(self, replies: Sequence[Answer] | LinkLost) -> None:
        self._done(partial(self._complete, self._group, self._plan, replies))
