"""What a trained model is: a record that says where it comes from and how good it is, and arrays that compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.generic]]
"""Arrays by name, of numbers or fixed-width text: what an .npz file holds without pickle."""
Setting = float | int | bool | str | None


class ModelState(StrEnum):
    """Where a model is in its life."""

    draft = "Draft"
    training = "Training"
    candidate = "Candidate"
    active = "Active"
    retired = "Retired"


class LabelKind(StrEnum):
    """What somebody says of a stretch of time."""

    normal = "Normal"
    fault = "Fault"
    failure = "Failure"
    maintenance = "Maintenance"
    other = "Other"


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody has said of a stretch of time of a twin. event_id: of the anomaly it is about, "" for none."""

    id: str
    kind: LabelKind
    start_ticks: int
    end_ticks: int
    text: str = ""
    event_id: str = ""
    user: str = ""
    created_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gives back. figures: how good it is on data not used for its fit (hold-out), by name. settings:
    what scoring needs besides arrays; plain values only."""

    kind: str
    signals: tuple[str, ...]
    context_signals: tuple[str, ...]
    arrays: Arrays
    settings: Mapping[str, Setting]
    figures: Mapping[str, float]
    windows: int = 0


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model as ListModels and its node tell it. id: unique in its twin ("Anomaly-3"). twin: path; signals are
    relative to it. data_hash: SHA-256 over what it was trained on. libraries: versions by name. drift: 0 (as in
    training) upwards, NaN where not known. invalid_since_ticks: when maintenance made its baseline worthless, 0 while
    it holds; `reason` then says so."""

    id: str
    kind: str
    twin: str
    version: int
    state: ModelState
    created_ticks: int
    training_start_ticks: int
    training_end_ticks: int
    signals: tuple[str, ...]
    context_signals: tuple[str, ...]
    settings: Mapping[str, Setting]
    figures: Mapping[str, float]
    data_hash: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    drift: float = float("nan")
    reason: str = ""
    windows: int = 0
    invalid_since_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """A record with its arrays: what a job gets to compute with."""

    record: ModelRecord
    arrays: Arrays
