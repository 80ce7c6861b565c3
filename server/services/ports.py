"""What the services need from the other parts of the server: commands, analytics methods and the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from server.address_space import MethodView
from server.config.plant import CommandMethod, Twin
from server.history.store import Modified, Samples, UpdateKind
from server.security.roles import User

if TYPE_CHECKING:
    from server.services.session import Session


class Commands(Protocol):
    """Takes values to devices. Values are Python ones of the tag's type, DateTimes in ticks, arrays as lists."""

    async def order(self, row: int, value: Any, user: User) -> tuple[int, str]:
        """The StatusCode, once the device has confirmed or refused, and in words why it is not Good."""
        ...

    async def call(self, method: CommandMethod, arguments: Sequence[Any], user: User) -> Any:
        """The same for a command method: a StatusCode, or a ua.CallMethodResult."""
        ...


class Methods(Protocol):
    """Runs analytics methods; arguments are Python values that fit the method's InputArguments."""

    async def call(self, twin: Twin, method: MethodView, arguments: Sequence[Any], session: Session) -> Any:
        """A ua.CallMethodResult, a StatusCode, or a list of output Variants."""
        ...

    async def cancel(self, twin: Twin, folder: str, name: str, session: Session) -> Any:
        """The StatusCode of ending a job; folder: "Jobs"."""
        ...


class History(Protocol):
    """The past of tags, by row; `server.history.history.History` is it. All but `historized` raise StoreError."""

    def historized(self, row: int) -> bool:
        """Whether the values of a row are kept."""
        ...

    async def read(
        self, row: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True
    ) -> Samples:
        """Values with start <= source_ticks <= end, the first `limit` of them in the direction asked for."""
        ...

    async def before(self, row: int, ticks: int) -> Samples:
        """The last value before that time, or none."""
        ...

    async def after(self, row: int, ticks: int) -> Samples:
        """The first value after that time, or none."""
        ...

    async def modified(
        self, row: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True
    ) -> Modified:
        """Superseded and deleted values."""
        ...

    async def update(self, row: int, samples: Samples, kind: UpdateKind, user: str) -> npt.NDArray[np.uint32]:
        """Insert, replace or update values; the StatusCode of each."""
        ...

    async def delete(self, row: int, start_ticks: int, end_ticks: int, user: str) -> int:
        """Delete the values from start (inclusive) to end (exclusive); how many there were."""
        ...
