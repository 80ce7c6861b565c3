"""A call from the words on the command line to its results: arguments, the wait for a job, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua

from server.call_command.arguments import Declared, Surroundings, declared, read
from server.call_command.desk import Desk, Reply
from server.call_command.finding import Method
from server.call_command.tables import Result
from server.call_command.values import is_empty

_HALTED: Final = 11
"""StateNumber of a Program that has ended (Part 10, 5.2.3)."""
REASON: Final = "Reason"
_POLL_S: Final = 0.2
_HALT_WITHIN_S: Final = 5.0
Watch = Callable[[str, float], None]
"""Told the state of a job and its progress in percent."""


class Refused(Exception):
    """The bridge has refused the call, or its job has failed; the message is for people."""


class Halted(Exception):
    """The user has given up a job, which was halted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call. status: Good, or a Good one that says more (GoodClamped). words: what the bridge adds."""

    status: ua.StatusCode
    words: str
    results: tuple[Result, ...]

    def value(self, name: str) -> Any:
        """Of a result; None where there is none of that name."""
        return next((one.value for one in self.results if one.name == name), None)

    @property
    def valid(self) -> bool:
        """Whether the results mean anything: as they say themselves, or that there are any besides a reason. A command
        has none and is valid when it is Good."""
        if (said := self.value("Valid")) is not None:
            return bool(said)
        return not self.value(REASON) or not self.silent

    @property
    def silent(self) -> bool:
        """Whether there is nothing but a reason."""
        return all(is_empty(one.value) for one in self.results if one.name != REASON)


async def call(desk: Desk, method: Method, given: Sequence[str], watch: Watch) -> Outcome:
    """Read the arguments, call, and wait for the job if it becomes one. Raises WrongArguments, Refused, Halted."""
    wanted = [declared(one) for one in method.inputs]
    around = Surroundings(datetime.now(UTC), desk.node_id)
    arguments = read(wanted, given, around, all_needed=method.is_command)
    reply = await desk.call(method.owner, method.path, arguments)
    if not reply.status.is_good():
        raise Refused(_refusal(method, wanted, reply))
    outputs = [declared(one) for one in method.outputs]
    values = {one.name: value.Value for one, value in zip(outputs, reply.outputs, strict=True)}
    job = values.pop("JobId", None)
    if job is not None and not job.is_null():
        values = await _of_job(desk, str(job.Identifier), list(values), watch)
    told = [Result(one, _as_told(one, values[one.name])) for one in outputs if one.name in values]
    return Outcome(reply.status, reply.words, tuple(told))


def _as_told(about: Declared, value: Any) -> Any:
    return list(value or []) if about.is_array else value


# -- jobs -------------------------------------------------------------------------------------------------------------


async def _of_job(desk: Desk, job: str, names: Sequence[str], watch: Watch) -> dict[str, Any]:
    try:
        await _ended(desk, job, watch)
    except asyncio.CancelledError:
        raise Halted(await _halt(desk, job)) from None
    status, reason = await desk.read([f"{job}/Status", f"{job}/Reason"])
    if not status.value.is_good():
        raise Refused(f"{status.value.name}: {reason.value or status.value.doc} (job {job})")
    answers = await desk.read([f"{job}/Result/{name}" for name in names])
    return {name: answer.value for name, answer in zip(names, answers, strict=True)}


async def _ended(desk: Desk, job: str, watch: Watch) -> None:
    while True:
        number, state, progress = await desk.read(
            [f"{job}/CurrentState.Number", f"{job}/CurrentState", f"{job}/Progress"]
        )
        if not number.good:
            raise Refused(f"job {job} is not there any more")
        watch(str(state.value.Text), float(progress.value or 0.0))
        if number.value == _HALTED:
            return
        await asyncio.sleep(_POLL_S)


async def _halt(desk: Desk, job: str) -> str:
    """End a job that nobody waits for any more; what came of that."""
    try:
        async with asyncio.timeout(_HALT_WITHIN_S):
            reply = await desk.call(job, f"{job}/Halt", [])
    except (TimeoutError, OSError, ua.UaError) as error:
        return f"job {job} could not be halted ({error or type(error).__name__}) and may go on"
    if reply.status.is_good():
        return f"halted job {job}"
    return f"job {job} was not halted: {reply.status.name}"


# -- refusals ---------------------------------------------------------------------------------------------------------


def _refusal(method: Method, wanted: Sequence[Declared], reply: Reply) -> str:
    """The StatusCode and what is wrong with which argument."""
    lines = [f"{method.path}: {reply.status.name}: {reply.words or reply.status.doc}"]
    for at, one in enumerate(wanted[: len(reply.argument_status)]):
        status = reply.argument_status[at]
        if not status.is_good():
            words = reply.argument_words[at] if at < len(reply.argument_words) else ""
            lines.append(f"  {one.name}: {status.name}: {words or status.doc}")
    if reply.status.value == ua.StatusCodes.BadUserAccessDenied:
        who = "somebody who may" if reply.words else "somebody who may, such as an operator or engineer"
        lines.append(f"  log in with --user as {who}")
    return "\n".join(lines)
