"""The control socket: how `uatwin reload` and `uatwin trace` talk to a bridge that runs on the same computer.

A Unix socket that only its owner can use; one JSON object a line each way. The last answer has the key "done".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from platformdirs import user_data_path

_log = logging.getLogger(__name__)
_LONGEST_LINE: Final = 65_536
Answer = Mapping[str, Any]
Tell = Callable[[Answer], None]
Verb = Callable[[Mapping[str, Any]], AsyncIterator[Answer]]
"""Takes the request, yields the answers; "done" is added behind the last."""


class NotRunning(Exception):
    """No bridge of that name runs here; the message is for the user."""


def _folder() -> Path:
    """Not the run-time directory of the session: a service has none, and what it falls back to differs by process."""
    return user_data_path("uatwin") / "run"


def socket_path(plant: str) -> Path:
    """Where the bridge of a plant listens."""
    return _folder() / f"{plant}.sock"


def running_plants() -> list[str]:
    """Names of the plants whose bridges left a socket; one that was killed leaves it too."""
    return sorted(path.stem for path in _folder().glob("*.sock"))


@contextlib.asynccontextmanager
async def listening(path: Path, verbs: Mapping[str, Verb]) -> AsyncIterator[None]:
    """Answer requests while the body runs; without, where a bridge of the same plant answers there already, or where
    no socket can be made: a bridge does not depend on it."""
    if await _is_answered(path):
        _log.warning("another bridge of this plant runs here: `uatwin reload` and `uatwin trace` reach that one")
        yield
        return
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _answer(reader, writer, verbs)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the asker went away, or the bridge stops
        finally:
            tasks.discard(task)
            writer.close()

    try:
        _make_room(path)
        server = await asyncio.start_unix_server(serve, path, limit=_LONGEST_LINE)
    except OSError as error:
        _log.warning("%s: %s; `uatwin reload` and `uatwin trace` do not reach this bridge", path, error)
        yield
        return
    try:
        yield
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        _remove(path)


async def _is_answered(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    return True


def _make_room(path: Path) -> None:
    """The folder is the owner's alone, and with it the socket."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, verbs: Mapping[str, Verb]) -> None:
    try:
        request = json.loads(await reader.readline())
        verb = verbs[request["do"]]
    except (ValueError, KeyError, TypeError):
        writer.write(_line({"error": f"unknown request; there are {', '.join(verbs)}", "done": True}))
        return
    async for answer in verb(request):
        writer.write(_line(answer))
        await writer.drain()
    writer.write(_line({"done": True}))
    await writer.drain()


def _line(answer: Answer) -> bytes:
    return json.dumps(answer).encode() + b"\n"


async def ask(plant: str, request: Mapping[str, Any], tell: Tell) -> None:
    """Send a request to the bridge of a plant and pass on its answers until it is done. Raises NotRunning."""
    path = socket_path(plant)
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST_LINE)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        others = ", ".join(name for name in running_plants() if name != plant)
        raise NotRunning(
            f"no bridge of plant {plant} runs here" + (f"; there are {others}" if others else "")
        ) from error
    try:
        writer.write(_line(request))
        while line := await reader.readline():
            answer = json.loads(line)
            if len(answer) > 1 or "done" not in answer:
                tell(answer)
            if answer.get("done"):
                return
    finally:
        writer.close()
