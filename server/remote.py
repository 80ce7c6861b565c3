"""What can be asked of a bridge that runs: take over its changed plant file, show the frames of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from drivers.driver import Frame
from server.address_space import AddressSpaceError
from server.app import Bridge
from server.config.load import PlantFileError, load_plant
from server.control import Answer, Verb
from server.history.back_fill import read_fill
from server.history.store import StoreError

_log = logging.getLogger(__name__)
_MOST_WAITING: Final = 1000
_MOST_BYTES: Final = 512


class Remote:
    """The verbs of one bridge. file: its plant file. turn: held while a plant is taken over."""

    def __init__(self, bridge: Bridge, file: Path) -> None:
        self._bridge = bridge
        self._file = file
        self.turn = asyncio.Lock()

    def reload_on_hangup(self) -> Callable[[], None]:
        """Reload on SIGHUP too; returns how to stop that."""
        loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[Answer]]()

        def told() -> None:
            task = loop.create_task(self.reload())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        loop.add_signal_handler(signal.SIGHUP, told)
        return lambda: _end(loop, tasks)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """For the control socket."""
        return {
            "reload": self._reload,
            "where": self._where,
            "trace": self._trace,
            "alarms": self._alarms,
            "history": self._history,
            "fill_history": self._fill_history,
        }

    async def reload(self) -> Answer:
        """Take over the plant file as it is now. A file with errors is refused whole and the old one goes on."""
        async with self.turn:
            try:
                plant = await asyncio.to_thread(load_plant, self._file)
                settings = self._bridge.plant.server
                change = await self._bridge.adopt(plant)
            except (PlantFileError, AddressSpaceError) as error:
                _log.error("the changed plant file is not taken over: %s", error)
                return {"refused": str(error)}
        told = ", ".join(change.connections) or "none"
        words = f"{change.added} tags added, {change.removed} removed; connections begun anew: {told}"
        if settings != plant.server:
            words += "; the section server has changed, and that needs a restart"
        _log.info("took over the changed plant file: %s", words)
        return {"done_with": words}

    async def _reload(self, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
        yield await self.reload()

    async def _where(self, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
        """Where clients connect."""
        yield {"endpoint": self._bridge.server.endpoint_url}

    async def _alarms(self, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
        """How the alarms behave, and those that come most often."""
        yield self._bridge.alarms.behaviour(int(request.get("worst", 10)))

    async def _history(self, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
        """Where the plant file and the history lie."""
        folder = self._bridge.server.options.data / "history"
        yield {"plant_file": str(self._file.absolute()), "folder": str(folder.absolute())}

    async def _fill_history(self, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
        """Take the values of a file that `uatwin history import` made over into the history."""
        try:
            data = await asyncio.to_thread(Path(str(request.get("file"))).read_bytes)
            await self._bridge.history.fill(await asyncio.to_thread(read_fill, data))
        except (OSError, StoreError) as error:
            yield {"error": str(error)}
            return
        yield {"filled": True}

    async def _trace(self, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
        """The frames of a connection as they go and come, until the asker leaves."""
        link = self._bridge.acquisition.links.get(str(request.get("connection")))
        if link is None:
            yield {"error": f"no such connection; there are {', '.join(self._bridge.acquisition.links)}"}
            return
        waiting: asyncio.Queue[Answer] = asyncio.Queue(_MOST_WAITING)

        def tap(way: str, frame: Frame) -> None:
            with contextlib.suppress(asyncio.QueueFull):  # a terminal that does not keep up misses frames
                when = datetime.now(UTC).isoformat()
                waiting.put_nowait({"time": when, "way": way, "frame": frame[:_MOST_BYTES].hex()})

        link.driver.traffic.taps.append(tap)
        try:
            while True:
                yield await waiting.get()
        finally:
            link.driver.traffic.taps.remove(tap)


def _end(loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[Answer]]) -> None:
    loop.remove_signal_handler(signal.SIGHUP)
    for task in tasks:
        task.cancel()
