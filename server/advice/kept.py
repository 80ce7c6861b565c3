"""A value kept in a small JSON file: read once, written whenever it changes, whole or not at all."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Kept(Generic[T]):
    """value: what counts now. The file and its folder are made when there is something to keep."""

    def __init__(self, file: Path, kind: type[T], value: T) -> None:
        self.value = value
        self._file = file
        self._kind = kind
        self._writing: asyncio.Task[None] | None = None
        self._stale = False

    async def open(self) -> None:
        """Read what was kept; a file that cannot be read is told, moved aside, and begun anew."""
        try:
            content = await asyncio.to_thread(self._file.read_bytes)
            self.value = msgspec.json.decode(content, type=self._kind)
        except FileNotFoundError:
            return
        except OSError as error:
            _log.error("%s: %s; what it holds is not known any more", self._file, error.strerror)
        except msgspec.MsgspecError as error:
            aside = self._file.with_suffix(".unreadable")
            _log.error("%s cannot be read (%s); it is moved to %s", self._file, error, aside.name)
            await asyncio.to_thread(self._file.replace, aside)

    def note(self, value: T) -> None:
        """This counts from now on, and is written soon."""
        self.value = value
        self._stale = True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name=f"keep {self._file.name}")

    async def flush(self) -> None:
        """Wait until it is on disk, or until the disk has refused, which the log tells."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._stale:
            self._stale = False
            content = msgspec.json.format(msgspec.json.encode(self.value), indent=1)
            try:
                await asyncio.to_thread(self._replace, content)
            except OSError as error:
                _log.error("%s cannot be written: %s", self._file, error.strerror or error)

    def _replace(self, content: bytes) -> None:
        fresh = self._file.with_suffix(".new")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)
