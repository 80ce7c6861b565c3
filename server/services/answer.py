"""Answering a request with what its handler returns or raises, in order or besides the requests that follow."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Coroutine
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.chunks import ChannelError
from server.services.context import ServiceContext
from server.services.wire import service_fault

_log = logging.getLogger(__name__)


async def answer(context: ServiceContext, work: Awaitable[Any]) -> None:
    """Reply with the result of `work`, or with a ServiceFault; None means that it replies later by itself."""
    handle = context.header.RequestHandle
    try:
        response = await work
    except (ServiceError, ua.UaStatusCodeError) as error:
        response = fault(context, error.code)
    except ChannelError:
        raise
    except Exception:  # noqa: BLE001
        # a bug in one service must neither end the connection nor leave the request unanswered
        _log.exception("request %s of %s failed", handle, context.channel.connection.peer)
        response = fault(context, ua.StatusCodes.BadInternalError)
    if response is not None:
        context.reply(response)


def fault(context: ServiceContext, status: int) -> bytes:
    """A ServiceFault for this request, counted."""
    context.server.diagnostics.rejected(status)
    if context.session is not None:
        context.session.failed(context.type_id, status)
    return service_fault(context.header.RequestHandle, status)


def run_parallel(context: ServiceContext, work: Coroutine[Any, Any, Any]) -> None:
    """Answer a request as a task of its own, so that those after it need not wait for it. The work goes on to its end
    even when the client leaves, for a command under way is not left half done."""
    session = context.caller
    if len(session.running) >= context.server.limits.max_parallel_requests:
        work.close()
        context.reply(fault(context, ua.StatusCodes.BadServerTooBusy))
        return
    task = context.server.spawn(answer(context, work))
    session.running[task] = context
    task.add_done_callback(lambda done: session.running.pop(done, None))
