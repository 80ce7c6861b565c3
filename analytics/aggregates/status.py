"""The StatusCodes of aggregates: severities, HistorianInfo bits (Part 4, 7.39) and percentages (Part 13, 5.4.3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

GOOD: Final = 0x0000_0000
UNCERTAIN: Final = 0x40A4_0000
"""Uncertain_DataSubNormal."""
BAD: Final = 0x8000_0000
BAD_NO_DATA: Final = 0x809B_0000

CALCULATED: Final = 0x01
INTERPOLATED: Final = 0x02
PARTIAL: Final = 0x04
MULTIPLE_VALUES: Final = 0x10
_DATA_VALUE: Final = 0x0400
"""InfoType DataValue: without it the bits above mean nothing."""

Codes = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AggregateConfiguration:
    """The AggregateConfiguration of Part 13, 4.2.1.2, with its defaults. percent_data_...: 0 to 100."""

    treat_uncertain_as_bad: bool = True
    percent_data_bad: int = 100
    percent_data_good: int = 100
    use_sloped_extrapolation: bool = False

    @property
    def valid(self) -> bool:
        """Whether the percentages fit each other; where not, the answer is Bad_AggregateInvalidInputs."""
        good, bad = self.percent_data_good, self.percent_data_bad
        return 0 <= good <= 100 and 0 <= bad <= 100 and good >= 100 - bad


def severity(status: Codes) -> npt.NDArray[np.uint8]:
    """Of each StatusCode: 0 Good, 1 Uncertain, 2 Bad (the reserved fourth is Bad too)."""
    ranks: npt.NDArray[np.uint8] = np.minimum(status >> np.uint32(30), np.uint32(2)).astype(np.uint8)
    return ranks


def with_bits(codes: Codes, bits: int, where: Flags) -> Codes:
    """Adds HistorianInfo bits to the codes at those places."""
    return np.where(where, codes | np.uint32(_DATA_VALUE | bits), codes)


def by_percent(
    good: npt.NDArray[np.int64],
    bad: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    config: AggregateConfiguration,
) -> Codes:
    """Good, Bad or Uncertain_DataSubNormal of intervals by the amounts (counts or ticks) of Good and Bad in a total.

    Where PercentDataGood is just 100 - PercentDataBad, only the calculation for Good is used (Part 13, 4.2.1.2): what
    does not suffice is Uncertain then. Where nothing is Good at all it is Bad even so.
    """
    enough_good = good * 100 >= config.percent_data_good * total
    enough_bad = bad * 100 >= config.percent_data_bad * total
    if config.percent_data_good == 100 - config.percent_data_bad:
        enough_bad &= ~enough_good & (good == 0)
    codes = np.where(enough_good, np.uint32(GOOD), np.uint32(UNCERTAIN))
    return np.where(enough_bad, np.uint32(BAD), codes)
