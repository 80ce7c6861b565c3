"""Makes twins of machines that drivers announce: into the file of created twins, and then as after `uatwin reload`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.creation import Announcing, Creation, News, creations_of
from server.address_space import AddressSpaceError
from server.app import Bridge
from server.config.created import SECTION, CreatedTwin, Unusable, data_folder, file_of, head, line_of, new_twin
from server.config.load import PlantFileError, load_plant
from server.config.plant import Plant

_log = logging.getLogger(__name__)
_LOOK_S: Final = 0.25
_QUIET_S: Final = 1.0
"""How long nothing new must be heard, so that 300 machines that are switched on together make one reload."""
_LONGEST_S: Final = 5.0
_AGAIN_S: Final = 60.0
"""Pause after a plant file with errors that are not the new twins'."""
_MOST_REFUSED: Final = 10_000

Key = tuple[str, str, tuple[tuple[str, str], ...]]
"""Connection, entry, and parameters of a machine."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    twin: CreatedTwin
    creation: Creation


class Creator:
    """Runs beside a bridge. file: its plant file; turn: held while a plant file is taken over."""

    def __init__(self, bridge: Bridge, file: Path, turn: asyncio.Lock) -> None:
        self._bridge = bridge
        self._file = file
        self._turn = turn
        self._wanted: dict[Key, _Wanted] = {}
        self._refused: set[Key] = set()
        self._plant = bridge.plant
        self._full: set[tuple[str, str]] = set()
        self._first_s = self._last_s = self._not_before_s = 0.0
        self._complaint = ""

    async def run(self) -> None:
        """Look for news until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_LOOK_S)
            now = clock()
            self._collect(now)
            quiet = now - self._last_s >= _QUIET_S or now - self._first_s >= _LONGEST_S
            if self._wanted and quiet and now >= self._not_before_s:
                async with self._turn:
                    if not await self._create():
                        self._not_before_s = clock() + _AGAIN_S

    def _collect(self, now: float) -> None:
        if self._plant.connections is not self._bridge.plant.connections:
            self._start_over(now)
        for name, link in self._bridge.acquisition.links.items():
            if isinstance(link.driver, Announcing) and (news := link.driver.news()):
                self._take(name, news, now)

    def _start_over(self, now: float) -> None:
        """The plant file was taken over anew: what was refused may be right now, and what waited can go on."""
        self._plant, refused = self._bridge.plant, self._refused
        self._refused = set()
        self._full.clear()
        self._not_before_s = 0.0
        for connection, source, values in refused:
            self._take(connection, [News(source, dict(values))], now)

    def _take(self, connection: str, news: Sequence[News], now: float) -> None:
        of_connection = self._plant.connections.get(connection)
        entries = {one.source: one for one in creations_of(of_connection.settings if of_connection else None)}
        made = {_key(twin) for twin in _created(self._plant)} | self._wanted.keys()
        counts = Counter(key[:2] for key in made)
        for one in news:
            creation = entries.get(one.source)
            key = (connection, one.source, tuple(sorted(one.values.items())))
            if creation is None or key in made or key in self._refused:
                continue
            if counts[key[:2]] >= creation.at_most:
                self._tell_full(connection, creation)
                continue
            counts[key[:2]] += 1
            self._first_s = self._first_s if self._wanted else now
            self._last_s = now
            self._want(key, connection, creation, one.values)

    def _tell_full(self, connection: str, creation: Creation) -> None:
        of = (connection, creation.source)
        if of not in self._full:
            self._full.add(of)
            _log.warning("%s: %s has its %d twins, no more are made (at_most)", *of, creation.at_most)

    def _want(self, key: Key, connection: str, creation: Creation, values: Mapping[str, str]) -> None:
        try:
            self._wanted[key] = _Wanted(new_twin(connection, creation, values), creation)
        except Unusable as error:
            self._refuse(key, str(error))

    def _refuse(self, key: Key, why: str) -> None:
        """A machine that is refused is not looked at again, so that it is told once."""
        if len(self._refused) < _MOST_REFUSED:
            self._refused.add(key)
            named = ", ".join(f"{name} {value}" for name, value in key[2])
            _log.error("%s: no twin is made for %s (%s): %s", key[0], named, key[1], why)

    async def _create(self) -> bool:
        """Make all that are wanted, without those that would be wrong; whether the plant file let it."""
        while self._wanted:
            contents = {name: bytes(draft) for name, draft in self._drafts().items()}
            try:
                plant = await asyncio.to_thread(load_plant, self._file, contents)
            except PlantFileError as error:
                if self._drop_wrong(dict(self._blamed(error, contents))):
                    continue
                if not await self._is_right():
                    self._complain(str(error))
                    return False
                self._drop_wrong(dict.fromkeys(self._wanted, str(error)))
                continue
            return await self._adopt(plant, contents)
        return True

    async def _adopt(self, plant: Plant, contents: Mapping[str, bytes]) -> bool:
        folder = data_folder(plant.name, plant.server)
        try:
            before = await asyncio.to_thread(_write_all, folder, contents)
        except OSError as error:
            self._complain(f"{folder} cannot be written ({error.strerror})")
            return False
        try:
            change = await self._bridge.adopt(plant)
        except AddressSpaceError as error:
            await asyncio.to_thread(_write_all, folder, before)
            self._complain(str(error))
            return False
        self._plant = self._bridge.plant
        names = [wanted.twin.path for wanted in self._wanted.values()]
        listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        _log.info("made %d twins (%s), %d tags", len(names), listed, change.added)
        self._wanted.clear()
        self._complaint = ""
        return True

    def _complain(self, why: str) -> None:
        if why != self._complaint:
            self._complaint = why
            _log.error("%d new twins wait until this is put right: %s", len(self._wanted), why)

    def _drafts(self) -> dict[str, bytearray]:
        """The files of created twins as they are, with the new lines behind."""
        folder = self._folder
        drafts: dict[str, bytearray] = {}
        for wanted in self._wanted.values():
            name = wanted.twin.connection
            if name not in drafts:
                drafts[name] = bytearray(_read(file_of(folder, name)) or head(name).encode())
                if not drafts[name].endswith(b"\n"):
                    drafts[name] += b"\n"
            drafts[name] += line_of(wanted.twin, wanted.creation).encode()
        return drafts

    @property
    def _folder(self) -> Path:
        return data_folder(self._bridge.plant.name, self._bridge.plant.server)

    async def _is_right(self) -> bool:
        """Whether the plant file is without errors as long as nothing new is made."""
        try:
            await asyncio.to_thread(load_plant, self._file)
        except PlantFileError:
            return False
        return True

    def _drop_wrong(self, why: Mapping[Key, str]) -> bool:
        """Refuse these new twins; whether there were any."""
        for key, message in why.items():
            self._refuse(key, message)
            del self._wanted[key]
        return bool(why)

    def _blamed(self, error: PlantFileError, contents: Mapping[str, bytes]) -> Iterator[tuple[Key, str]]:
        """Which new twins have errors that no older twin has, by the line or the path of each."""
        of_line: dict[tuple[Path, int], Key] = {}
        for name in contents:
            own = [key for key in self._wanted if key[0] == name]
            first = contents[name].count(b"\n") - len(own) + 1
            of_line |= {(file_of(self._folder, name), first + index): key for index, key in enumerate(own)}
        by_path = {wanted.twin.path: key for key, wanted in self._wanted.items()}
        for one in error.errors:
            if (key := of_line.get((one.file, one.line))) is not None:
                yield key, one.message
            keys = [_nearest(twin, by_path) for twin in one.twins]
            if None not in keys:
                yield from ((key, one.message) for key in keys if key is not None)


def _nearest(path: str, new: Mapping[str, Key]) -> Key | None:
    """The new twin of that path, or above it."""
    while path and path not in new:
        path = path.rpartition("/")[0]
    return new.get(path)


def _created(plant: Plant) -> Sequence[CreatedTwin]:
    twins: Sequence[CreatedTwin] = plant.sections[SECTION]
    return twins


def _key(twin: CreatedTwin) -> Key:
    return twin.connection, twin.source, tuple(sorted((name, _heard(value)) for name, value in twin.values.items()))


def _heard(value: object) -> str:
    """A parameter as it stands in a topic."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write_all(folder: Path, contents: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """Write the files of created twins, each whole or not at all; returns what they held. None: there is none."""
    before = {name: _read(file_of(folder, name)) for name in contents}
    for name, content in contents.items():
        path = file_of(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
            continue
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    return before
