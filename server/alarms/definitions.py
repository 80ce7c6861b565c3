"""What an alarm is, and what its rule says of it: the things that the rules and the conditions share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server.config.alarm_definitions import AlarmDefinition, AlarmType, Kind, Level, OnBad

__all__ = ["AlarmDefinition", "AlarmType", "Kind", "Level", "OnBad", "Transitions"]


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """What changed at one evaluation, as columns of n, by time; an alarm may occur more than once, and then its last
    row is how things are now. A row whose level is that of before tells that the quality has changed.

    alarm: int32[n], index of the definition. level: uint8[n] Levels active from now on. quality: uint32[n], StatusCode
    of the input. source_ticks: int64[n], when the change came about by the source's clock (the end of a delay
    included). value: float64[n], the value that brought it about, NaN where there is none.
    """

    alarm: npt.NDArray[np.int32]
    level: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.uint32]
    source_ticks: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.alarm)
