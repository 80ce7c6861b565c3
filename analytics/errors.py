"""What can go wrong with an analytics call, with the OPC UA StatusCode that says so."""

from __future__ import annotations

BAD_OUT_OF_MEMORY = 0x80030000
BAD_TIMEOUT = 0x800A0000
BAD_NO_MATCH = 0x806F0000
BAD_TYPE_MISMATCH = 0x80740000
BAD_OUT_OF_RANGE = 0x803C0000
BAD_INVALID_ARGUMENT = 0x80AB0000
BAD_UNEXPECTED_ERROR = 0x80010000
BAD_RESOURCE_UNAVAILABLE = 0x80040000
BAD_INVALID_STATE = 0x80AF0000


class AnalyticsError(Exception):
    """A call that gave no result. `status` is what an OPC UA client is told."""

    status: int = BAD_UNEXPECTED_ERROR


class ArgumentError(AnalyticsError):
    """An input argument that cannot be used: the call is BadInvalidArgument, status that of the argument.

    index: of the argument, from 0. message: what is wrong and what would be right.
    """

    def __init__(self, index: int, status: int, message: str) -> None:
        super().__init__(index, status, message)
        self.index = index
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return self.message


class NotAvailable(AnalyticsError):
    """There is no result, for a reason that is nobody's mistake: too few data, no active model. The call is Good, its
    results are empty, Valid is false, and Reason says what would help."""

    status = 0


class NotFit(AnalyticsError):
    """What was asked for may never be done with the thing it is about, whoever asks; the message says why."""

    status = BAD_INVALID_STATE


class WorkerDied(AnalyticsError):
    """The worker process ended in the middle of the call; another one is on its way."""

    status = BAD_RESOURCE_UNAVAILABLE


class WorkerTimeout(AnalyticsError):
    """The call took longer than it may and was ended."""

    status = BAD_TIMEOUT


class WorkerOutOfMemory(AnalyticsError):
    """The call needed more memory than a worker has."""

    status = BAD_OUT_OF_MEMORY


class FunctionFailed(AnalyticsError):
    """The function itself failed: a bug, or data it cannot deal with; the log has the traceback."""
