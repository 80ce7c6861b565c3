"""One alarm evaluated reading by reading, as the documentation says it: what the columns are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.alarms.definitions import AlarmDefinition, AlarmType, Level, OnBad

TICKS = 10_000_000
_ORDER = (Level.high_high, Level.low_low, Level.high, Level.low)


@dataclass
class Limit:
    level: Level
    limit: float
    passed: bool = False
    active: bool = False
    counted: int = 0
    """Ticks for which `passed` has been other than `active`."""


@dataclass
class SlowAlarm:
    """told: (Levels, source ticks) of every change of level."""

    definition: AlarmDefinition
    limits: list[Limit] = field(init=False)
    told: list[tuple[int, int]] = field(default_factory=list)
    last: tuple[int, int] | None = None
    """Source and server ticks of the last usable value; None while there is none."""
    source: int = 0
    """The source's clock."""
    _level: int = 0
    _new: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.limits = [Limit(level, limit) for level, limit in self.definition.limits.items()]

    def reading(self, source: int, server: int, value: float | None) -> None:
        """A value (None: not usable) with its SourceTimestamp comes to the server."""
        if self.last is not None:
            now = self.last[0] + server - self.last[1]
            self._pass_time(source if value is not None and source >= self.last[0] else now)
        if value is None:
            if self.last is not None and self.definition.on_bad is OnBad.reset:
                for one in self.limits:
                    one.passed, one.counted = one.active, 0
            self.last = None
            return
        self.last, self.source = (source, server), source
        for one in self.limits:
            self._compare(one, value)

    def look(self, server: int) -> None:
        """The server looks at its clock, and tells what has changed; what began and ended at one time is not told."""
        if self.last is not None:
            self._pass_time(max(self.source, self.last[0] + server - self.last[1]))
        for ticks, level in sorted(self._new.items()):
            if level != self._level:
                self._level = level
                self.told.append((level, ticks))
        self._new.clear()

    def _compare(self, one: Limit, value: float) -> None:
        above = one.level in (Level.high, Level.high_high)
        back = one.limit - self.definition.deadband if above else one.limit + self.definition.deadband
        beyond = value > one.limit if above else value < one.limit
        behind = value <= back if above else value >= back
        passed = True if beyond else False if behind else one.passed
        if passed != one.passed:
            one.passed, one.counted = passed, 0

    def _pass_time(self, until: int) -> None:
        """Let the source's clock go on; delays run out one after the other."""
        elapsed = until - self.source
        ends = []
        for one in self.limits:
            delay = round((self.definition.on_delay_s if one.passed else self.definition.off_delay_s) * TICKS)
            if one.passed != one.active:
                if one.counted + elapsed >= delay:
                    ends.append((self.source + delay - one.counted, one))
                else:
                    one.counted += elapsed
        self.source = until
        for ticks in sorted({ticks for ticks, _ in ends}):
            for end, one in ends:
                if end == ticks:
                    one.active = one.passed
            self._tell(ticks)

    def _tell(self, ticks: int) -> None:
        active = [one.level for one in self.limits if one.active]
        if self.definition.type is not AlarmType.non_exclusive_level:
            active = [level for level in _ORDER if level in active][:1]
        self._new[ticks] = sum(active)
