"""Watches one tag through a fault: what it shows and when, and that no Good value is ever wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drivers.readings import Readings
from drivers.status import Status
from tests.faults.table import Row
from tests.simulators.bridge import Bridge
from tests.simulators.waiting import until


class Watch:
    """`right` is asked for every Good value of the tag."""

    def __init__(self, bridge: Bridge, path: str, right: Callable[[object], bool]) -> None:
        self._bridge = bridge
        self._path = path
        self._right = right
        self._clock = asyncio.get_running_loop().time
        self.seen: list[tuple[float, Status]] = []
        self.wrong: list[object] = []
        bridge.table.on_commit(self._note)

    async def through(
        self,
        driver: str,
        fault: str,
        begin: Callable[[], object],
        end: Callable[[], object] | None,
        *,
        shows: Status | None,
        rate_s: float,
        others: str = "",
    ) -> Row:
        """Begin a fault, wait until the tag shows that status (None: it stays Good, and three more values come),
        end the fault, wait until the tag is Good again. end None: it happens once."""
        await until(lambda: self._bridge.good(self._path))
        began = self._clock()
        await _done(begin())
        if shows is None:
            await until(lambda: len(self._good_since(began)) >= 3)
        else:
            await until(lambda: any(status is shows for _, status in self._since(began)))
        ended = self._clock() if end is not None else began
        if end is not None:
            await _done(end())
        await until(lambda: self._bridge.good(self._path))
        back = self._bad_ended(began, ended)
        assert not self.wrong, f"{fault}: wrong values looked Good: {self.wrong}"
        bad = [(at, status) for at, status in self._since(began) if status is not Status.Good]
        good = [at for at in self._good_since(began) if at <= back]
        lost = max(0, round((back - began) / rate_s) - len(good)) if bad else 0
        told = tuple(dict.fromkeys(status.name for _, status in bad))
        return Row(driver, fault, told, bad[0][0] - began if bad else None, back - ended if bad else None, lost, others)

    def _note(self, batch: Readings) -> None:
        if self._bridge.row[self._path] in batch.row:
            status = self._bridge.status(self._path)
            self.seen.append((self._clock(), status))
            if status is Status.Good and not self._right(self._bridge.value(self._path)):
                self.wrong.append(self._bridge.value(self._path))

    def _since(self, when: float) -> list[tuple[float, Status]]:
        return [item for item in self.seen if item[0] >= when]

    def _good_since(self, when: float) -> list[float]:
        return [at for at, status in self._since(when) if status is Status.Good]

    def _bad_ended(self, began: float, ended: float) -> float:
        """When the first Good value after the last that was not came."""
        since = self._since(began)
        last_bad = max((index for index, (_, status) in enumerate(since) if status is not Status.Good), default=-1)
        return max(since[last_bad + 1][0], ended) if since[last_bad + 1 :] else self._clock()


async def _done(result: object) -> None:
    if isinstance(result, Awaitable):
        await result
