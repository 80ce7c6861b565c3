"""Savings of four meters with a known saving of 10 %: samples of the PyPI package eemeter (simulated houses)."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import numpy as np

from analytics.savings import run as estimate
from analytics.series import Series
from benchmarks.processes import Result
from drivers.readings import ticks_from_unix

METERS = ("electricity-cdd-hdd", "electricity-cdd-only", "gas-hdd-only", "gas-intercept-only")
TRUE = 10.0
"""Percent; every part of the load is 10 % lower in the reporting year, by the samples' metadata."""
_BASELINE = ("2015-11-22T00:00:00-06:00", "2016-12-26T00:00:00-06:00")
_REPORTING = ("2017-01-04T00:00:00-06:00", "2018-02-08T00:00:00-06:00")


class NoSamples(RuntimeError):
    """The samples are not there."""


def samples() -> Path:
    """The folder of the samples; raises NoSamples. The package itself is not imported."""
    found = importlib.util.find_spec("eemeter")
    if found is None or not found.submodule_search_locations:
        raise NoSamples("the samples are not here: pip install --no-deps eemeter")
    return Path(next(iter(found.submodule_search_locations))) / "eemeter" / "samples"


def read(file: Path) -> Series:
    """A column of values by the time of their beginning."""
    rows = list(csv.reader(io.StringIO(gzip.decompress(file.read_bytes()).decode())))[1:]
    ticks = np.array([_ticks(row[0]) for row in rows], np.int64)
    return Series(ticks, np.array([float(row[1] or "nan") for row in rows]), np.zeros(len(rows), np.uint32))


def _ticks(text: str) -> int:
    return ticks_from_unix(datetime.fromisoformat(text).timestamp())


async def run() -> AsyncIterator[Result]:
    """Two-sided intervals of 90 %; the first year without a measure, the second with it."""
    folder = samples()
    temperature = read(folder / "il-tempF.csv.gz")
    spans = [(_ticks(low), _ticks(high)) for low, high in (_BASELINE, _REPORTING)]
    holding = 0
    for name in METERS:
        meter = read(folder / f"il-{name}-daily.csv.gz")
        series = {"Meter": meter, "Temperature": temperature}
        told = estimate(series, None, spans[1][1], "Meter", ["Temperature"], *spans, 86_400.0, 0.90, None)
        share, low, high, cv_rmse, nmbe = told[3:8]
        inside = low <= TRUE <= high
        holding += inside
        yield {
            "meter": name, "saved": round(share, 2), "lower": round(low, 2), "upper": round(high, 2), "true": TRUE,
            "cv_rmse": round(cv_rmse, 1), "nmbe": round(nmbe, 3), "model": told[11], "holds": inside,
        }  # fmt: skip
    yield {"meters": len(METERS), "holding": round(holding / len(METERS), 2), "good": holding >= 3}
