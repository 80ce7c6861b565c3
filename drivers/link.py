"""Link: keeps one driver's connection alive, hands out its exchanges, and knows how the device is doing."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, ParamSpec, TypeVar

from drivers.driver import Deliver, Driver, Fault, Pushed
from drivers.errors import ConnectFailed, DriverError, LinkLost, Malformed, Refused, ValueNotAccepted
from drivers.readings import Readings, now_ticks

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Serve = Callable[[], Coroutine[Any, Any, None]]
LATENCIES_KEPT: Final = 100
_SECRET = re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)|(\b(?:password|passwd|secret|token|psk)\b\s*[=:]\s*)[^\s,;)]+", re.I)


class LinkState(IntEnum):
    """What a link is doing; the values of the diagnostics variable State."""

    Disconnected = 0
    Connecting = 1
    Connected = 2


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long a link waits before it connects again: doubling from initial_s to maximum_s, and by chance between half
    and all of that, so that 500 devices behind one switch do not come back in the same instant."""

    initial_s: float = 1.0
    maximum_s: float = 30.0

    def delay_s(self, attempt: int, chance: float) -> float:
        """Seconds before the attempt after that many failed ones in a row (0, 1, ...); chance in [0, 1)."""
        return min(self.maximum_s, self.initial_s * 2.0 ** min(attempt, 60)) * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class LastError:
    """The latest failure of a link. ticks: when (100 ns since 1601, UTC); kind: the class in `drivers.errors`."""

    ticks: int
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def redact(text: str) -> str:
    """The text without passwords in URLs and settings."""
    return _SECRET.sub(lambda match: f"{match[1] or match[2]}***", text)


class Link:
    """One driver's connection: Disconnected -> Connecting -> Connected, and round again whenever it is lost.

    `run` does the connecting; `request` and `observe` are the only ways to the driver, so that every exchange is
    counted and timed and every loss is noticed. The back-off starts over only after the device has said something (or,
    with proven_by_connect, has accepted the connection): a device that accepts and then stays silent or hangs up is
    not hammered. All times come from the running event loop's clock.

    requests: exchanges tried; who makes one by callbacks counts it here and ends it by `succeed` or `finish`. errors:
    failed ones by class name. reconnects: connections made after the first.
    silent_units: units behind it that were given up. missed: poll slots skipped; both are told by who does the polling.
    renewed: whether the present connection took over from the one before by `renew`, without a failure in between.
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        *,
        back_off: BackOff | None = None,
        proven_by_connect: bool = True,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.driver = driver
        self.back_off = back_off or BackOff()
        self.state = LinkState.Disconnected
        self.last_error: LastError | None = None
        self.requests = 0
        self.errors: Counter[str] = Counter()
        self.reconnects = 0
        self.silent_units = 0
        self.missed = 0
        self.renewed = False
        self._proven_by_connect = proven_by_connect
        self._chance = chance
        self._latencies: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self._listeners: list[Callable[[LinkState], None]] = []
        self._session: asyncio.Future[DriverError | None] | None = None
        self._connects = 0
        self._failures = 0
        self._proven = False
        self._down_since: float | None = None
        self._clock: Callable[[], float] = lambda: asyncio.get_running_loop().time()
        self._malformed_seen = 0
        self._refused_seen = 0

    @property
    def connected(self) -> bool:
        """Whether exchanges can be tried."""
        return self.state is LinkState.Connected

    @property
    def error_total(self) -> int:
        """Failed exchanges and malformed messages; those that a driver both counted and raised count once."""
        raised = self.errors[Malformed.__name__]
        return self.errors.total() - raised + max(raised, self.driver.traffic.malformed)

    def latency_s(self, share: float) -> float:
        """Seconds that this share (0.5, 0.99) of the latest 100 good exchanges stayed under; NaN before the first."""
        ordered = sorted(self._latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def on_change(self, listener: Callable[[LinkState], None]) -> None:
        """Call listener(state) at every change of state."""
        self._listeners.append(listener)

    async def run(self, serve: Serve) -> None:
        """Keep the connection alive until cancelled, then close it. `serve` is run anew for each connection and
        cancelled when that ends. Errors that are not `drivers.errors` are bugs and end the run (ExceptionGroup)."""
        self._clock = asyncio.get_running_loop().time
        try:
            while True:
                await self._connect_and_hold(serve)
        finally:
            self._session = None
            self._enter(LinkState.Disconnected)
            await self.driver.close()

    async def request(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """One exchange with the device. Raises ConnectFailed at once while there is no connection, else what the
        driver raises; a lost connection is connected again."""
        session = self._session
        if session is None or session.done():
            raise ConnectFailed(f"{self.name} has no connection: {self.last_error or 'it was never up'}")
        self.requests += 1
        return await self.finish(self._clock(), call(*args, **kwargs))

    def succeed(self, latency_s: float) -> None:
        """An exchange was good."""
        self._latencies.append(latency_s)
        if not self._proven and self.connected:
            self._prove()

    async def finish(self, start_s: float, exchange: Awaitable[T]) -> T:
        """Wait for the rest of an exchange; raises as `request` does."""
        session = self._session
        try:
            result = await exchange
        except (LinkLost, ConnectFailed) as error:
            self._end(session, error)
            raise
        except DriverError as error:
            self.note(error)
            raise
        self._latencies.append(self._clock() - start_s)
        if session is not None and not session.done():
            self._prove()
        return result

    async def observe(self, driver: Pushed, deliver: Deliver) -> None:
        """Hand over what the device pushes until the link is lost, by whatever error."""
        session = self._session

        def proven(batch: Readings) -> None:
            self._prove()
            deliver(batch)

        try:
            await driver.observe(proven)
        except DriverError as error:
            self._end(session, error)
        else:
            self._end(session, LinkLost("the observation ended by itself"))

    def renew(self) -> None:
        """Close and connect again at once: a connection on which nobody answers may be half open."""
        self._end(self._session, None)

    def note(self, error: DriverError) -> None:
        """Count and remember an error."""
        kind = type(error).__name__
        self.errors[kind] += 1
        if not isinstance(error, ValueNotAccepted):  # the caller's mistake, not the device's
            self.last_error = LastError(now_ticks(), kind, redact(str(error)))

    def take_over_malformed(self) -> None:
        """Make the latest malformed message or refusal that the driver counted without raising the last error."""
        traffic = self.driver.traffic
        if traffic.refused != self._refused_seen:
            self._refused_seen = traffic.refused
            self.last_error = LastError(now_ticks(), Refused.__name__, redact(traffic.last_refused))
        if traffic.malformed != self._malformed_seen:
            self._malformed_seen = traffic.malformed
            self.last_error = LastError(now_ticks(), Malformed.__name__, redact(traffic.last_malformed))

    def fault_of(self, row: int) -> Fault | None:
        """What was wrong with the latest that came for a tag and could not be used."""
        found = self.driver.traffic.faults.get(row)
        return None if found is None else Fault(found.ticks, redact(found.text))

    async def _connect_and_hold(self, serve: Serve) -> None:
        """One connection from its attempt to its end; returns when it is time for the next attempt."""
        self._enter(LinkState.Connecting)
        try:
            await self.driver.connect()
            loss = await self._hold(serve)
        except DriverError as error:
            loss = error
            self._tell_down(loss)
            self._enter(LinkState.Disconnected)
        self.renewed = loss is None
        await self.driver.close()
        if loss is not None:
            delay = self.back_off.delay_s(self._failures, self._chance())
            self._failures += 1
            await asyncio.sleep(delay)

    async def _hold(self, serve: Serve) -> DriverError | None:
        """Run `serve` while the connection lasts; returns the error that ended it, None to connect again at once."""
        session = self._session = asyncio.get_running_loop().create_future()
        self.reconnects += self._connects > 0
        self._connects += 1
        self._proven = False
        self._enter(LinkState.Connected)
        if self._proven_by_connect:
            self._prove()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(serve(), name=f"serve {self.name}")
            loss: DriverError | None = await session
            serving.cancel()
        return loss

    def _end(self, session: asyncio.Future[DriverError | None] | None, loss: DriverError | None) -> None:
        if session is not None and not session.done():  # else an error of a connection that is gone already
            session.set_result(loss)
            if loss is not None:
                self._tell_down(loss)
            self._enter(LinkState.Disconnected)

    def _tell_down(self, error: DriverError) -> None:
        self.note(error)
        if self._down_since is None:
            self._down_since = self._clock()
            log.warning(
                "%s: no connection: %s; trying again with pauses of up to %g s",
                self.name,
                redact(str(error)),
                self.back_off.maximum_s,
            )

    def _prove(self) -> None:
        if self._proven:
            return
        self._proven = True
        self._failures = 0
        if self._down_since is not None:
            log.info("%s: back after %.1f s", self.name, self._clock() - self._down_since)
            self._down_since = None
        elif self._connects == 1:
            log.debug("%s: connected", self.name)

    def _enter(self, state: LinkState) -> None:
        if state is not self.state:
            self.state = state
            for listener in self._listeners:
                listener(state)
