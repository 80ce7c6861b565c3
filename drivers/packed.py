"""Packed: what a poll brought and nobody has decoded yet, so that those of many equal devices are decoded at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from drivers.readings import Readings


class Shape(Protocol):
    """How the data of equal devices become readings; devices that are equal share one object."""

    def decode(self, polls: Sequence[Packed]) -> Readings:
        """The readings of polls of this shape, in their order. Never raises: what cannot be decoded is Bad."""


class Packed(NamedTuple):
    """All that one poll brought, every request of it well answered.

    rows: int32[n], where its n readings go, in the order of the shape. data: the bytes that came. ticks: the
    SourceTimestamp of all of them (100 ns since 1601, UTC).
    """

    shape: Shape
    rows: npt.NDArray[np.int32]
    data: bytes
    ticks: int
