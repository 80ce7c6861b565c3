"""Models and jobs of twins as the objects that clients see under Analytics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from asyncua.ua.object_ids import ObjectIds

from analytics.function import ONE_DIMENSION, ArgumentType
from analytics.models import ModelRecord
from analytics.simulation.calibrated import KIND as CALIBRATION
from server.address_space.object_views import PROPERTY, ActionView, ObjectView, ValueView
from server.analysis.jobs import JobBook, JobRecord, JobState
from server.analysis.library import Library
from server.config.plant import Twin

CANCEL: Final = "Cancel"
HALT: Final = "Halt"
_BOOLEAN, _INT32, _UINT32, _DOUBLE, _STRING, _TIME = 1, 6, 7, 11, 12, 13
_NODE_ID, _STATUS, _LOCALIZED = 17, 19, 21
_STATES: Final = {state: getattr(ObjectIds, f"ProgramStateMachineType_{state.name}") for state in JobState}
_TRANSITIONS: Final = {"ReadyToRunning": 2, "RunningToHalted": 3, "ReadyToHalted": 9}
"""TransitionNumbers of those that occur (Part 10, 5.2.4)."""


class AnalyticsObjects:
    """library: the models; jobs: the jobs. schedule: how the models of a twin are calibrated continuously, by its path;
    "" where they are not."""

    def __init__(self, library: Library, jobs: JobBook, schedule: Callable[[str], str] = lambda twin: "") -> None:
        self._library = library
        self._schedule = schedule
        self._jobs = jobs

    def names(self, twin: Twin, folder: str) -> Sequence[str]:
        """Ids of the models or jobs of a twin, oldest first."""
        if folder == "Models":
            return [one.id for one in self._library.models(twin.path)]
        return [one.id for one in self._jobs.of(twin.path)]

    def view(self, twin: Twin, folder: str, name: str) -> ObjectView | None:
        """One of them."""
        if folder == "Models":
            record = self._library.find(twin.path, name)
            return model_view(record, self._schedule_of(record)) if record is not None else None
        job = self._jobs.find(twin.path, name)
        return job_view(job) if job is not None else None

    def _schedule_of(self, record: ModelRecord) -> str:
        newest = [one.id for one in self._library.models(record.twin) if one.kind == CALIBRATION][-1:]
        return self._schedule(record.twin) if record.id in newest else ""


def model_view(record: ModelRecord, schedule: str = "") -> ObjectView:
    """A model as an object of ModelType. schedule: of what is made again and again."""
    versions = [f"{name}={version}" for name, version in record.libraries.items()]
    values: tuple[ValueView, ...] = (
        ValueView("State", _STRING, str(record.state), "Draft, Training, Candidate, Active or Retired"),
        ValueView("Kind", _STRING, record.kind, "What it is for"),
        ValueView("Version", _UINT32, record.version, "Among the models of its kind"),
        ValueView("Created", _TIME, record.created_ticks, "When it was trained"),
        ValueView("TrainingStart", _TIME, record.training_start_ticks, "Of the data it was trained on"),
        ValueView("TrainingEnd", _TIME, record.training_end_ticks, "Of the data it was trained on"),
        _texts("Signals", record.signals, "What it looks at"),
        _texts("ContextSignals", record.context_signals, "Those of them that say how it is run"),
        ValueView("DataHash", _STRING, record.data_hash, "SHA-256 over what it was trained on"),
        _texts("LibraryVersions", versions, "name=version"),
        ValueView("DriftScore", _DOUBLE, record.drift, "0 as in training, upwards; NaN where not known"),
        ValueView("Reason", _STRING, record.reason, "Why it is not what it should be; empty where all is well"),
    )
    if schedule:
        values = (*values, ValueView("Schedule", _STRING, schedule, "How often it is made anew, and when next"))
    figures = tuple(ValueView(name, _DOUBLE, value) for name, value in record.figures.items())
    found = ObjectView(
        "Figures", "BaseObjectType", "What was found on data not used for the training", record.created_ticks, figures
    )
    return ObjectView(record.id, "ModelType", f"{record.kind} model", record.created_ticks, values, (found,))


def job_view(job: JobRecord) -> ObjectView:
    """A job as an object of JobType, a Program that runs once."""
    values = (
        _state(job),
        _transition(job),
        _property("Deletable", _BOOLEAN, True),
        _property("AutoDelete", _BOOLEAN, True),
        _property("RecycleCount", _INT32, 0),
        ValueView("Progress", _DOUBLE, 100.0 * job.progress, "How far it is, in percent"),
        ValueView("Status", _STATUS, job.status, "Good, or why it failed"),
        ValueView("Reason", _STRING, job.reason, "Why it failed, or why its Result is not valid"),
        ValueView("Function", _STRING, job.function.name, "The method that was called"),
        ValueView("CalledBy", _STRING, job.caller.user.name, "Who called it"),
        ValueView("Created", _TIME, job.created_ticks, "When it was called"),
    )
    result = ObjectView("Result", "BaseObjectType", "The outputs of the method", job.changed_ticks, _results(job))
    actions = (
        ActionView(HALT, "End it now, with nothing", standard=True),
        ActionView(CANCEL, "The same as Halt"),
    )
    return ObjectView(
        job.id, "JobType", f"A call of {job.function.name}", job.changed_ticks, values, (result,), actions
    )


def transition(job: JobRecord) -> str | None:
    """The name of its last transition; None before the first."""
    return f"{job.before.name}To{job.state.name}" if job.before is not None else None


def transition_number(name: str) -> int:
    """Its TransitionNumber."""
    return _TRANSITIONS[name]


def _results(job: JobRecord) -> tuple[ValueView, ...]:
    results = job.results if job.results is not None else _no_results(job)
    return tuple(
        ValueView(one.name, int(one.data_type), value, one.description, one.value_rank)
        for one, value in zip(job.function.results, results, strict=True)
        if one.data_type is not ArgumentType.NodeId
    )


def _no_results(job: JobRecord) -> tuple[Any, ...]:
    waiting = job.reason or f"it is {job.state.name}"
    return (*job.function.nothing(), False, waiting, job.model, float("nan"), "")


def _state(job: JobRecord) -> ValueView:
    properties = (
        _property("Id", _NODE_ID, _STATES[job.state]),
        _property("Number", _UINT32, int(job.state)),
    )
    kind = "FiniteStateVariableType"
    return ValueView("CurrentState", _LOCALIZED, job.state.name, "", kind=kind, standard=True, properties=properties)


def _transition(job: JobRecord) -> ValueView:
    name = transition(job)
    properties = (
        _property("Id", _NODE_ID, getattr(ObjectIds, f"ProgramStateMachineType_{name}") if name else ""),
        _property("Number", _UINT32, transition_number(name) if name else 0),
        _property("TransitionTime", _TIME, job.changed_ticks),
    )
    kind = "FiniteTransitionVariableType"
    return ValueView("LastTransition", _LOCALIZED, name or "", "", kind=kind, standard=True, properties=properties)


def _property(name: str, data_type: int, value: object) -> ValueView:
    return ValueView(name, data_type, value, kind=PROPERTY, standard=True)


def _texts(name: str, value: Sequence[str], description: str) -> ValueView:
    return ValueView(name, _STRING, value, description, ONE_DIMENSION)
