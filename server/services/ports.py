"""What the services need from the parts of the server that act: commands and analytics methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from server.address_space import MethodView
from server.config.plant import CommandMethod, Twin
from server.security.roles import User

if TYPE_CHECKING:
    from server.services.session import Session


class Commands(Protocol):
    """Takes values to devices. Values are Python ones of the tag's type, DateTimes in ticks, arrays as lists."""

    async def write(self, row: int, value: Any, user: User) -> int:
        """The StatusCode, once the device has confirmed or refused."""
        ...

    async def call(self, method: CommandMethod, arguments: Sequence[Any], user: User) -> Any:
        """The same for a command method: a StatusCode, or a ua.CallMethodResult."""
        ...


class Methods(Protocol):
    """Runs analytics methods; arguments are Python values that fit the method's InputArguments."""

    async def call(self, twin: Twin, method: MethodView, arguments: Sequence[Any], session: Session) -> Any:
        """A ua.CallMethodResult, a StatusCode, or a list of output Variants."""
        ...
