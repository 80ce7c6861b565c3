"""The engine while it runs: alarms that come, go, are switched off, and outlive a reload with their timers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import rules
from drivers.data_types import DataType
from drivers.readings import TICKS_PER_SECOND, Readings, ticks_from_unix
from server.alarms.definitions import AlarmDefinition, AlarmType, Kind, Level, OnBad
from server.alarms.engine import AlarmEngine
from server.tags.table import TagTable

GOOD, BAD, LAST = 0, 0x80310000, 0x40900000


class Rig:
    """Tags A to D."""

    def __init__(self, *definitions: AlarmDefinition) -> None:
        self.now = ticks_from_unix(1.8e9)
        self.table = TagTable([DataType.Double] * 4, clock=lambda: self.now)
        self.rows = {"A": 0, "B": 1, "C": 2, "D": 3}
        self.engine = AlarmEngine(definitions, self.table, lambda path: self.rows.get(path, -1))

    def tell(self, after_s: float = 0.0, *, late_s: float = 0.0, status: int = GOOD, **values: float) -> dict[str, int]:
        """Levels of what there was to tell, by name, after a time and with new values."""
        self.now += round(after_s * TICKS_PER_SECOND)
        if values:
            count = len(values)
            self.table.commit(
                Readings(
                    np.array([self.rows[name] for name in values], np.int32),
                    np.array([*values.values()], np.float64).view(np.uint64),
                    np.full(count, status, np.uint32),
                    np.full(count, self.now - round(late_s * TICKS_PER_SECOND)),
                )
            )
        self.found = self.engine.evaluate(self.now)
        names = [one.name if one else "" for one in self.engine.definitions]
        return {
            names[alarm]: level
            for alarm, level in zip(self.found.alarm.tolist(), self.found.level.tolist(), strict=True)
        }


def high(name: str = "X", tag: str = "A", **more: Any) -> AlarmDefinition:
    given: dict[str, Any] = {"limits": {Level.high: 80.0, Level.high_high: 90.0}} | more
    severities = dict.fromkeys(given["limits"] or [Level.active], 500)
    return AlarmDefinition(f"P/{name}", name, "P", AlarmType.exclusive_level, tag, severities, **given)


def test_a_value_that_is_not_sent_again_runs_out_its_delay() -> None:
    """Data on change: 80 degrees for five minutes, and no further word."""
    rig = Rig(high(on_delay_s=300.0))
    rig.tell(A=70.0)
    assert rig.tell(1, late_s=0.5, A=85.0) == {}
    assert rig.tell(299) == {}
    assert rig.tell(1) == {"X": Level.high}
    began = rig.now - 300 * TICKS_PER_SECOND
    assert rig.found.source_ticks.tolist() == [began - TICKS_PER_SECOND // 2 + 300 * TICKS_PER_SECOND]
    assert rig.found.value.tolist() == [85.0]


def test_late_values_count_by_their_own_time() -> None:
    rig = Rig(high(on_delay_s=300.0))
    rig.tell(A=70.0)
    assert rig.tell(1000, late_s=900, A=85.0) == {}
    assert rig.tell(1, late_s=500, A=85.0) == {"X": Level.high}, "it was above for 400 s"


def test_a_lost_device_holds_or_resets_the_delay_and_clears_nothing() -> None:
    rig = Rig(high("Hold", on_delay_s=10.0), high("Reset", on_delay_s=10.0, on_bad=OnBad.reset))
    rig.tell(A=70.0)
    rig.tell(1, A=85.0)
    assert rig.tell(6, status=LAST, A=85.0) == {"Hold": 0, "Reset": 0}, "only the quality has changed"
    assert rig.found.quality.tolist() == [LAST, LAST]
    assert rig.tell(100) == {}
    rig.tell(0, A=85.0)
    assert rig.tell(4.5) == {"Hold": Level.high}
    assert rig.tell(5.5) == {"Reset": Level.high}
    assert rig.tell(1, status=BAD, A=0.0) == {"Hold": Level.high, "Reset": Level.high}
    assert rig.tell(3600) == {}
    assert rig.tell(1, A=70.0) == {"Hold": 0, "Reset": 0}


def test_an_exclusive_alarm_goes_from_limit_to_limit_and_the_other_has_both() -> None:
    rig = Rig(high("One", deadband=2.0), replace(high("Both", deadband=2.0), type=AlarmType.non_exclusive_level))
    rig.tell(A=70.0)
    assert rig.tell(1, A=95.0) == {"One": Level.high_high, "Both": Level.high | Level.high_high}
    assert rig.tell(1, A=89.0) == {}
    assert rig.tell(1, A=87.0) == {"One": Level.high, "Both": Level.high}
    assert rig.tell(1, A=78.0) == {"One": 0, "Both": 0}


def test_alarms_come_and_go_while_others_keep_their_index_and_their_timers() -> None:
    rig = Rig(high("First", on_delay_s=10.0), high("Second", "B"))
    rig.tell(A=70.0, B=85.0)
    rig.tell(1, A=85.0)
    rig.engine.add([high("Third", "C"), high("Waits", "Gone")])
    assert rig.tell(4, C=95.0) == {"Third": Level.high_high}
    rig.engine.remove("P/Second")
    assert rig.engine.index("P/First") == 0
    assert rig.engine.definitions[1] is None
    assert rig.tell(6) == {"First": Level.high}, "its delay went on"
    rig.rows["Gone"] = 3
    rig.engine.adopt([high("First", on_delay_s=10.0), high("Second", "B"), high("Waits", "Gone")], rig.engine._row_of)
    assert rig.engine.index("P/Second") == 1
    assert rig.tell(1, D=95.0) == {"Second": Level.high, "Waits": Level.high_high}
    with pytest.raises(KeyError):
        rig.engine.remove("P/Third")


def test_a_changed_rule_goes_on_active_and_ends_by_its_new_limits() -> None:
    rig = Rig(high())
    assert rig.tell(A=85.0) == {"X": Level.high}
    rig.engine.adopt([high(limits={Level.high: 90.0})], rig.engine._row_of)
    assert rig.tell(1) == {"X": 0}
    rig.engine.adopt([high(limits={Level.high: 70.0}, message="other")], rig.engine._row_of)
    assert rig.tell(1) == {"X": Level.high}


def test_what_was_active_before_a_restart_stays_so_until_a_value_says_otherwise() -> None:
    rig = Rig(high("Still", on_delay_s=60.0), high("Over", "B"))
    rig.engine.assume({"P/Still": Level.high, "P/Over": Level.high_high, "P/Unknown": 4})
    assert rig.tell(1) == {}
    assert rig.tell(1, A=85.0, B=70.0) == {"Still": Level.high, "Over": 0}
    assert rig.engine.levels() == {"P/Still": Level.high, "P/Over": 0}


def test_a_disabled_alarm_is_left_alone_and_begins_anew() -> None:
    rig = Rig(high("Off", enabled=False), high("On", on_delay_s=10.0))
    assert rig.tell(A=85.0) == {"On": 0}
    rig.engine.enable("P/On", False)
    rig.engine.enable("P/Off", True)
    assert rig.tell(20) == {"Off": Level.high}
    rig.engine.enable("P/On", True)
    assert rig.tell(1) == {"On": Level.high}, "its value has been above for longer than the delay"
    rig.engine.enable("P/On", True)
    assert rig.engine.levels()["P/On"] == Level.high, "it was enabled already"


def test_a_tag_that_never_spoke_is_silent_from_the_start_on() -> None:
    silent = high("Silent", limits={}, kind=Kind.no_signal, no_signal_s=30.0)
    rig = Rig(silent)
    rig.tell()
    assert rig.tell(29) == {}
    assert rig.tell(1) == {"Silent": Level.active}
    assert rig.tell(1, A=1.0) == {"Silent": 0}
    assert rig.tell(30, status=LAST, A=1.0) == {"Silent": Level.active}, "a last value is no signal"


async def test_the_benchmark_finds_its_own_work_right() -> None:
    (result,) = [one async for one in rules.run(rules=1_000, tags=5_000, passes=15)]
    assert result["good"]
    assert result["transitions"] > 100
    assert 0 < result["quiet_ms"] < result["ms"]


async def test_ten_thousand_rules_over_fifty_thousand_tags_take_less_than_ten_milliseconds() -> None:
    (result,) = [one async for one in rules.run(passes=12)]
    assert result["best_ms"] < 10.0, result
