"""What clients set going: writes to commands, command methods and analytics methods, in the services' terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from asyncua import ua

from analytics.errors import AnalyticsError, ArgumentError
from analytics.function import Argument as CatalogArgument
from analytics.function import Function
from server.address_space import AnalyticsMethods, Argument, MethodView
from server.address_space.variants import result_variant
from server.analysis.access import may_cancel
from server.analysis.jobs import Caller
from server.analysis.offers import Offer, Offers
from server.commands.executor import Commands
from server.config.diagnostics import SCENARIOS
from server.config.plant import CommandMethod, Twin
from server.methods import Analytics
from server.security.roles import User
from server.services.explained import Explained, argument_words
from server.services.session import Session
from server.services.wire import status_code

_GOOD: Final = status_code(ua.StatusCodes.Good)


def analytics_methods(offers: Offers) -> AnalyticsMethods:
    """The analytics methods of a twin, as clients see them."""
    views: dict[Offer, Sequence[MethodView]] = {}

    def of(twin: Twin) -> Sequence[MethodView]:
        offer = offers.of(twin)
        known = views.get(offer)
        if known is None:
            known = views[offer] = tuple(_view(function) for function in offer)
        return known

    return of


def _view(function: Function) -> MethodView:
    return MethodView(
        function.name,
        function.description,
        tuple(_argument(one) for one in function.arguments),
        tuple(_argument(one) for one in function.results),
        function.access,
    )


def _argument(of: CatalogArgument) -> Argument:
    return Argument(of.name, int(of.data_type), of.value_rank, of.description, of.unit)


class CommandActions:
    """Writes and command methods, for the Attribute and Method services. of_scenarios: where those of copies go, whose
    rows in_scenario knows: they have no way to a device."""

    def __init__(self, commands: Commands, of_scenarios: Commands, in_scenario: Callable[[int], bool]) -> None:
        self._commands = commands
        self._of_scenarios = of_scenarios
        self._in_scenario = in_scenario

    async def order(self, row: int, value: Any, user: User) -> tuple[int, str]:
        """The StatusCode, once the device has confirmed or refused, and in words why it is not Good."""
        commands = self._of_scenarios if self._in_scenario(row) else self._commands
        return await commands.order(row, value, user.name)

    async def call(self, method: CommandMethod, arguments: Sequence[Any], user: User) -> ua.CallMethodResult:
        """The same for a command method, with a StatusCode for each argument when one is wrong."""
        commands = self._of_scenarios if method.path.startswith(f"{SCENARIOS}/") else self._commands
        outcome = await commands.call(method, arguments, user.name)
        results = [status_code(status) for status in outcome.argument_status]
        if outcome.status != ua.StatusCodes.BadInvalidArgument:
            return Explained(status_code(outcome.status), words=outcome.reason)
        reasons = argument_words(outcome.argument_reasons)
        return ua.CallMethodResult(status_code(outcome.status), results, reasons)


class AnalyticsActions:
    """Analytics methods, for the Method service. node_id: of a path of the plant."""

    def __init__(self, analytics: Analytics, node_id: Callable[[str], ua.NodeId]) -> None:
        self._analytics = analytics
        self._node_id = node_id

    async def call(
        self, twin: Twin, method: MethodView, arguments: Sequence[Any], session: Session
    ) -> ua.CallMethodResult:
        """The outputs, or the StatusCode that says why there are none."""
        try:
            results = await self._analytics.call(twin, method.name, arguments, caller_of(session))
        except ArgumentError as error:
            good = [_GOOD] * len(arguments)
            good[error.index] = status_code(error.status)
            words = argument_words([str(error) if index == error.index else "" for index in range(len(arguments))])
            return ua.CallMethodResult(status_code(ua.StatusCodes.BadInvalidArgument), good, words)
        except AnalyticsError as error:
            return Explained(status_code(error.status), words=str(error))
        outputs = [
            result_variant(kind.data_type, kind.value_rank, value, self._node_id)
            for kind, value in zip(method.results, results, strict=True)
        ]
        return ua.CallMethodResult(_GOOD, OutputArguments=outputs)

    async def cancel(self, twin: Twin, folder: str, name: str, session: Session) -> int:
        """End a job: Halt of its Program (Part 10, 5.2.1). The StatusCode, once it has ended."""
        job = self._analytics.jobs.find(twin.path, name)
        if job is None:
            return ua.StatusCodes.BadNodeIdUnknown
        if not may_cancel(session.user, caller_of(session).session, job):
            return ua.StatusCodes.BadUserAccessDenied
        ended = await self._analytics.jobs.cancel(job)
        return ua.StatusCodes.Good if ended else ua.StatusCodes.BadInvalidState


def caller_of(session: Session) -> Caller:
    """Who calls over a session."""
    return Caller(session.user, session.id.to_string(), session.name)
