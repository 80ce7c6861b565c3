"""Finds the drivers by the entry-point group `uatwin.drivers`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import cast

from drivers.driver import DriverType


@cache
def driver_names() -> tuple[str, ...]:
    """The names a plant file may put behind `driver:`, sorted."""
    return tuple(sorted({point.name for point in entry_points(group="uatwin.drivers")}))


@cache
def driver_type(name: str) -> DriverType:
    """The driver of that name, imported on first use; raises KeyError where there is none."""
    for point in entry_points(group="uatwin.drivers"):
        if point.name == name:
            return cast(DriverType, point.load())
    raise KeyError(name)
