"""Finding values by their very times, in few questions to the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from server.history.store import Samples
from server.services.history_encoding import empty, join, pick
from server.services.history_raw import Target

_SLACK: Final = 10_000
"""Values between those asked for that are read along rather than asking one by one."""


async def values_at(of: Target, times: Sequence[int]) -> Samples:
    """The values that stand at these times, in the order of time."""
    wanted = sorted(set(times))
    if not wanted:
        return empty(of.data_type)
    limit = len(wanted) + _SLACK
    found = await of.history.read(of.row, wanted[0], wanted[-1], limit)
    if len(found) == limit:  # they lie far apart
        return join([await of.history.read(of.row, time, time) for time in wanted], of.data_type)
    return pick(found, np.flatnonzero(np.isin(found.source_ticks, np.array(wanted, np.int64))))
