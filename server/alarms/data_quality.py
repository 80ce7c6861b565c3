"""How far the values of each tag can be believed: flat lines, spikes, values out of range and gaps, by column.

Nothing has to be set: a tag is judged by its EURange, by how long it may be silent, and by how it behaved so far.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType, value_range
from drivers.readings import TICKS_PER_SECOND
from server.alarms.measures import Floats, is_usable
from server.alarms.timers import Bools
from server.config.patterns import matching
from server.config.plant import Plant, Tag
from server.config.quality_settings import QualitySettings
from server.config.rule_spec import QUALITIES
from server.tags.table import TagTable

FLAT_LINE, SPIKE, OUT_OF_RANGE, GAP = (1 << bit for bit in range(len(QUALITIES)))
NAMES: Final = ("FlatLine", "Spike", "OutOfRange", "Gap")
"""Of the flags, from bit 0 on."""
PERIOD: Final = TICKS_PER_SECOND
_LEARNED: Final = 20
"""Changes of a value before its ways are known."""
_SHARE: Final = 1 / 32
"""What the newest counts for in an average."""
_LEAST_RUN: Final = 30
_MOST_OF_STEP: Final = 5.0
"""A step counts for at most so many usual ones in their average: a spike must not become usual at once."""
_LEAST_OF_RANGE: Final = 0.05
"""A spike is at least so much of the EURange."""
_FLOATS: Final = (DataType.Float, DataType.Double)


class DataQuality:
    """flags: uint8[rows], the problems of each row as bits. version: int64[rows], changes whenever its flags do.

    A flat line: a measured value other than 0 that used to change is the same for `flat_line` times as many readings as
    usually, at least 30. A spike: one reading that jumps by more than `spike` usual steps and 5 % of the EURange, and
    comes back. A gap: no usable reading for longer than the tag's stale_s, or between two. Spikes and gaps show for
    `keep_s`. Judged once per second, by current values.
    """

    def __init__(self, plant: Plant, table: TagTable, settings: QualitySettings | None = None) -> None:
        self._table = table
        self.flags = np.zeros(0, np.uint8)
        self.version = np.zeros(0, np.int64)
        self._updates = 0
        self._last = 0
        self._rows = np.zeros(0, np.int32)
        self.adopt(plant, settings)

    def adopt(self, plant: Plant, settings: QualitySettings | None = None) -> None:
        """Judge this plant from now on; what has been learned of the same tags stays."""
        self.settings = settings or plant.sections.get("data_quality") or QualitySettings()
        tags = _judged(plant, self.settings)
        old, old_rows, count = self.__dict__.copy(), self._rows, len(tags)
        self._rows = np.array([tag.row for tag in tags], np.int32)
        ranges = np.array([tag.range or (-np.inf, np.inf) for tag in tags], np.float64).reshape(-1, 2)
        self._low, self._high = ranges.T
        self._least_jump = np.where(np.isfinite(self._high), (self._high - self._low) * _LEAST_OF_RANGE, 0.0)
        self._longest = np.array([tag.stale_s * TICKS_PER_SECOND for tag in tags], np.int64)
        self._analog = np.array([tag.data_type in _FLOATS for tag in tags], np.bool_)
        self._seen = np.full(count, -1, np.int64)
        self._source, self._server = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._x, self._x_before = np.full(count, np.nan), np.full(count, np.nan)
        self._step = np.zeros(count)
        self._run, self._usual_run = np.zeros(count, np.int32), np.zeros(count)
        self._changes = np.zeros(count, np.int32)
        self._spike_until, self._gap_until = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._outside = np.zeros(count, np.bool_)
        _, mine, theirs = np.intersect1d(self._rows, old_rows, return_indices=True)
        for name in _LEARNED_COLUMNS:
            if name in old:
                getattr(self, name)[mine] = old[name][theirs]
        more = len(self._table) - len(self.flags)
        self.flags = np.concatenate([self.flags, np.zeros(more, np.uint8)])
        self.version = np.concatenate([self.version, np.zeros(more, np.int64)])
        self._raise_flags(np.zeros(len(self.flags), np.uint8), np.setdiff1d(old_rows, self._rows))

    def text(self, row: int) -> str:
        """The problems of a row in words, "Good" where there are none."""
        flags = int(self.flags[row])
        return ", ".join(name for bit, name in enumerate(NAMES) if flags >> bit & 1) or "Good"

    def doubtful(self) -> Bools:
        """bool[rows]: which rows have a problem."""
        doubtful: Bools = self.flags != 0
        return doubtful

    def update(self, now: int) -> None:
        """Judge what has come since the last time, at most once per second. now: the server's clock, in ticks."""
        if 0 <= now - self._last < PERIOD:
            return
        self._last = now
        table, rows = self._table, self._rows
        version = table.version[rows]
        fresh = version != self._seen
        if fresh.any():
            self._seen = version
            self._judge(fresh, table.as_float(rows), now)
        flags = np.zeros(len(self.flags), np.uint8)
        flags[rows] = self._flags_of_rows(now)
        self._raise_flags(flags, rows)

    def _judge(self, fresh: Bools, x: Floats, now: int) -> None:
        """Take in the values x of the fresh rows. Everything is worked out for all rows: picking some costs more."""
        rows, table = self._rows, self._table
        fresh = fresh & is_usable(table.status[rows], x)
        np.copyto(self._outside, (x < self._low) | (x > self._high), where=fresh)
        source = table.source_ticks[rows]
        apart = fresh & (self._source > 0) & (source - self._source > self._longest)
        self._gap_until[apart] = now + self._keep
        np.copyto(self._source, source, where=fresh)
        np.copyto(self._server, table.server_ticks[rows], where=fresh)
        self._find_spikes(fresh, x, now)
        self._learn(fresh, x)
        np.copyto(self._x_before, self._x, where=fresh)
        np.copyto(self._x, x, where=fresh)

    def _flags_of_rows(self, now: int) -> npt.NDArray[np.uint8]:
        silent = (self._server > 0) & (now - self._server > self._longest)
        usual = np.maximum(self.settings.flat_line * self._usual_run, _LEAST_RUN)
        flat = self._analog & (self._changes >= _LEARNED) & (self._run > usual) & (self._x != 0.0)
        flags: npt.NDArray[np.uint8] = (
            flat * np.uint8(FLAT_LINE)
            + (self._spike_until > now) * np.uint8(SPIKE)
            + self._outside * np.uint8(OUT_OF_RANGE)
            + ((self._gap_until > now) | silent) * np.uint8(GAP)
        )
        return flags

    def _raise_flags(self, flags: npt.NDArray[np.uint8], rows: npt.NDArray[np.int32]) -> None:
        changed = rows[flags[rows] != self.flags[rows]]
        if len(changed):
            self._updates += 1
            self.flags[changed] = flags[changed]
            self.version[changed] = self._updates

    def _find_spikes(self, fresh: Bools, x: Floats, now: int) -> None:
        """The reading before was one when this one is back where it started from."""
        up, down = self._x - self._x_before, x - self._x
        size = np.abs(up)
        far = (size > self.settings.spike * self._step) & (size > self._least_jump)
        back = (up * down < 0) & (np.abs(x - self._x_before) < 0.5 * size)
        self._spike_until[fresh & far & back & (self._changes >= _LEARNED) & self._analog] = now + self._keep

    def _learn(self, fresh: Bools, x: Floats) -> None:
        """How long the value usually stays the same, and how far it usually steps."""
        step = np.abs(x - self._x)
        changed = fresh & (step > 0)
        share = np.where(changed, np.maximum(_SHARE, 1.0 / (self._changes + 1)), 0.0)
        usual = np.where(self._changes >= _LEARNED, np.minimum(step, _MOST_OF_STEP * self._step), step)
        self._step += np.where(changed, share * (usual - self._step), 0.0)
        self._usual_run += share * (self._run + 1 - self._usual_run)
        self._changes += changed
        self._run = np.where(changed, 0, self._run + fresh).astype(np.int32)

    @property
    def _keep(self) -> int:
        return round(self.settings.keep_s * TICKS_PER_SECOND)


def _judged(plant: Plant, settings: QualitySettings) -> list[Tag]:
    """The tags of numbers that come from devices."""
    tags = [tag for twin in plant.walk() for tag in twin.telemetry if is_measured(tag)]
    ignored = frozenset(matching(settings.ignore, (tag.path for tag in tags)))
    return [tag for tag in tags if tag.path not in ignored]


def is_measured(tag: Tag) -> bool:
    """Whether a tag can be judged: a single number that comes from a device."""
    single = tag.connection is not None and tag.command is None and not tag.array_length and not tag.states
    return single and value_range(tag.data_type) is not None


_LEARNED_COLUMNS: Final = (
    *("_seen", "_source", "_server", "_x", "_x_before", "_step", "_run", "_usual_run", "_changes"),
    *("_spike_until", "_gap_until", "_outside"),
)
