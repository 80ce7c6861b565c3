"""The contract of a driver: what a folder under drivers/ gives to the rest, and what it gets.

A driver connects, reads, observes, writes and closes. It never loops over time, sleeps between polls, retries or
reconnects: the scheduler owns the clock and the link owns the reconnecting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from drivers.data_types import DataType
from drivers.packed import Packed
from drivers.raw import RawTap
from drivers.readings import Readings, now_ticks

Deliver = Callable[[Readings], None]
"""Takes a batch of readings; returns at once and never raises."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One tag as a driver sees it. point is the driver's own frozen settings (an instance of its point_model).

    array_length: 0 for a scalar. rate_s: how often the tag is wanted (polling period; for pushed tags the expected
    interval). writable: the tag is a command.
    """

    row: int
    path: str
    data_type: DataType
    array_length: int
    point: Any
    rate_s: float
    writable: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with how a connection's tags are configured. binding: index in the sequence that was given, or
    None for the connection itself; key: the setting at fault ("address"), dotted when nested."""

    binding: int | None
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a plan, as `uatwin check` shows it."""

    what: str
    rate_s: float
    tags: int
    bytes_on_wire: int


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a connection will cost. load: share of the line's capacity in use (0..1), None where it has no meaning."""

    requests: Sequence[PlannedRequest]
    requests_per_s: float
    bytes_per_s: float
    load: float | None
    pushed_tags: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PollGroup:
    """Rows that are read together at one rate. key names the group in diagnostics ("unit 3, 1 s"); plan is the
    driver's own; unit is what fails together on a shared line."""

    key: str
    rate_s: float
    rows: npt.NDArray[np.int32]
    plan: Any
    unit: str = ""


Frame = bytes | bytearray | memoryview
Tap = Callable[[str, Frame], None]
"""Is told each frame as it goes or comes: "sent" or "received", and its bytes. Returns at once and never raises."""


class Fault(NamedTuple):
    """What was wrong with the latest that came for a tag and could not be used. ticks: when, OPC UA ticks."""

    ticks: int
    text: str


@dataclass(slots=True)
class Traffic:
    """Running totals of one driver; whoever shows them takes differences. taps: who watches the frames;
    raw_tap: who wants to know what each value is made from. faults: by row, for tags that ever had one."""

    requests: int = 0
    responses: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    malformed: int = 0
    last_malformed: str = ""
    refused: int = 0
    last_refused: str = ""
    taps: list[Tap] = field(default_factory=list)
    raw_tap: RawTap | None = None
    faults: dict[int, Fault] = field(default_factory=dict)

    def blame(self, rows: Iterable[int], text: str) -> None:
        """What came for these rows could not be used."""
        self.faults.update(dict.fromkeys(rows, Fault(now_ticks(), text)))

    def sent(self, frame: Frame) -> None:
        """A frame has gone out."""
        self.bytes_sent += len(frame)
        for tap in self.taps:
            tap("sent", frame)

    def received(self, frame: Frame) -> None:
        """A frame, or a piece of one, has come."""
        self.bytes_received += len(frame)
        for tap in self.taps:
            tap("received", frame)


class Driver(Protocol):
    """What every driver has. Errors are `drivers.errors`; anything else is a bug."""

    traffic: Traffic

    async def connect(self) -> None:
        """Open the link; raises ConnectFailed. Called again after LinkLost. May be cancelled at any await."""

    async def close(self) -> None:
        """Close the link and free everything; idempotent, never raises, leaves no task behind."""


@runtime_checkable
class Polled(Driver, Protocol):
    """Answers when asked."""

    groups: Sequence[PollGroup]

    async def read(self, group: PollGroup) -> Readings:
        """All rows of a group, each with its StatusCode; what fails alone is Bad in the batch. Raises DeviceTimeout
        when the unit is silent and LinkLost when the link is gone."""

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Some rows now, for a confirmation by read-back."""


GoOn = Callable[[], Awaitable[Readings]]
"""Goes on with a poll in which something was unusual, as `Polled.read` would; raises what that raises."""


@runtime_checkable
class Prompt(Polled, Protocol):
    """Can be polled without a task: what is usual goes by callbacks, which cost a third of what waking a task does."""

    def begin(self, group: PollGroup, done: Callable[[Packed | GoOn], None]) -> bool:
        """Ask for a group. False: not now, or never this group; `read` it. True: done is called exactly once, before
        `close` ends at the latest, with all that came or with what goes on from there."""


@runtime_checkable
class Pushed(Driver, Protocol):
    """Speaks by itself."""

    async def observe(self, deliver: Deliver) -> None:
        """Subscribe and hand over batches until cancelled; raises LinkLost when the link is gone."""


@runtime_checkable
class Writable(Driver, Protocol):
    """Takes commands."""

    async def write(self, row: int, value: object) -> None:
        """Write one value (bool, int, float, str, bytes, or a numpy array) and return when the device has acknowledged
        it. Raises Refused with the device's own answer, ValueNotAccepted, DeviceTimeout or LinkLost."""


@runtime_checkable
class Vouching(Protocol):
    """A DriverType that watches pushed tags itself: it asks the device for confirmation before it has been silent for
    too long, and ends the connection when none comes."""

    def silence_s(self, connection: Any, point: Any) -> float:
        """The longest time between readings of a tag while all is well; 0 where the driver vouches for nothing and the
        tag's rate decides. A tag without a stale_s of its own does not go stale before. Pure."""


class DriverType(Protocol):
    """What a driver's entry point in the group `uatwin.drivers` names: a module with these five names."""

    connection_model: type[BaseModel]
    """Settings of a connection (frozen, strict, unknown keys forbidden), without the key `driver`."""
    point_model: Any
    """Settings of a point: a frozen pydantic model or pydantic dataclass."""

    def check(self, connection: Any, bindings: Sequence[Binding]) -> Sequence[Problem]:
        """What cannot work: overlapping or impossible addresses, types that do not fit. Pure, touches no network."""

    def report(self, connection: Any, bindings: Sequence[Binding]) -> PlanReport:
        """The plan and its cost. Pure, touches no network."""

    def create(self, name: str, connection: Any, bindings: Sequence[Binding]) -> Driver:
        """A driver that is not connected yet; it implements Polled or Pushed or both, and Writable."""
