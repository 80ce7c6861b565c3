"""What clients set going: writes to commands, command methods and analytics methods, in the services' terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from analytics.catalog import CATALOG
from analytics.errors import AnalyticsError, ArgumentError
from analytics.function import Argument as CatalogArgument
from drivers.data_types import DataType
from server.address_space import Argument, MethodView
from server.commands.executor import Commands
from server.config.plant import CommandMethod, Twin
from server.methods import Analytics
from server.security.roles import User
from server.services.session import Session
from server.services.wire import status_code

_GOOD: Final = status_code(ua.StatusCodes.Good)


def analytics_methods(twin: Twin) -> Sequence[MethodView]:
    """The analytics methods of a twin: the whole catalog."""
    return _VIEWS


def _argument(of: CatalogArgument) -> Argument:
    return Argument(of.name, int(of.data_type), of.value_rank, of.description, of.unit)


_VIEWS: Final = tuple(
    MethodView(
        function.name,
        function.description,
        tuple(_argument(one) for one in function.arguments),
        tuple(_argument(one) for one in function.results),
    )
    for function in CATALOG.values()
)


class CommandActions:
    """Writes and command methods, for the Attribute and Method services."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def write(self, row: int, value: Any, user: User) -> int:
        """The StatusCode, once the device has confirmed or refused."""
        return await self._commands.write(row, value, user.name)

    async def call(self, method: CommandMethod, arguments: Sequence[Any], user: User) -> ua.CallMethodResult:
        """The same for a command method, with a StatusCode for each argument when one is wrong."""
        outcome = await self._commands.call(method, arguments, user.name)
        results = [status_code(status) for status in outcome.argument_status]
        wrong = outcome.status == ua.StatusCodes.BadInvalidArgument
        return ua.CallMethodResult(status_code(outcome.status), InputArgumentResults=results if wrong else [])


class AnalyticsActions:
    """Analytics methods, for the Method service."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def call(
        self, twin: Twin, method: MethodView, arguments: Sequence[Any], session: Session
    ) -> ua.CallMethodResult:
        """The outputs, or the StatusCode that says why there are none."""
        try:
            results = await self._analytics.call(twin, method.name, arguments)
        except ArgumentError as error:
            good = [_GOOD] * len(arguments)
            good[error.index] = status_code(error.status)
            return ua.CallMethodResult(status_code(ua.StatusCodes.BadInvalidArgument), InputArgumentResults=good)
        except AnalyticsError as error:
            return ua.CallMethodResult(status_code(error.status))
        outputs = [_variant(kind, value) for kind, value in zip(method.results, results, strict=True)]
        return ua.CallMethodResult(_GOOD, OutputArguments=outputs)


def _variant(kind: Argument, value: Any) -> ua.Variant:
    is_array = kind.value_rank >= 0
    if is_array:
        value = value.tolist() if isinstance(value, np.ndarray) else list(value)
    if kind.data_type == DataType.DateTime:
        value = [win_epoch_to_datetime(one) for one in value] if is_array else win_epoch_to_datetime(value)
    return ua.Variant(value, ua.VariantType(int(kind.data_type)), is_array=is_array)
