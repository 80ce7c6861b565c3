"""The functions about models and labels: trained in the worker, kept and told by the server."""

from __future__ import annotations

from typing import Final

from analytics import training
from analytics.function import ONE_DIMENSION, Access, Argument, ArgumentType, Function, with_signals

_TEXT: Final = ArgumentType.String
_TEXTS: Final = (_TEXT, ONE_DIMENSION)
_MODEL: Final = Argument("ModelId", _TEXT, description="One of ListModels")
_STATE: Final = Argument("State", _TEXT, description="Draft, Training, Candidate, Active or Retired")

TRAIN_MODEL: Final = Function(
    "TrainModel",
    "Train a model on the past of this twin; it is a Candidate afterwards. With nothing but Kind: a new baseline from "
    "what came after the last maintenance",
    (
        Argument("Kind", _TEXT, description="Kind of model, such as Anomaly"),
        Argument("Signals", *_TEXTS, "Paths below this twin; empty: all its numeric telemetry"),
        Argument("ContextSignals", *_TEXTS, "Those of them that say how it is run (speed, load) and cannot be wrong"),
        Argument("Start", ArgumentType.DateTime, description="Null: since the last maintenance, or all there is"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
        Argument("Exclude", ArgumentType.DateTime, ONE_DIMENSION, "Begin, end, begin, end, ... of times to leave out"),
        Argument("Options", *_TEXTS, "name=value; Activate=true makes it active at once"),
    ),
    (
        _STATE,
        Argument("FigureNames", *_TEXTS, "What was found on data not used for the training"),
        Argument("Figures", ArgumentType.Double, ONE_DIMENSION, "Their values"),
    ),
    training.plan,
    access=Access.engineer,
)

LIST_MODELS: Final = Function(
    "ListModels",
    "The models of this twin, newest first",
    (Argument("Kind", _TEXT, description="Only of this kind; empty: all"),),
    (
        Argument("ModelIds", *_TEXTS, "Of this twin"),
        Argument("Kinds", *_TEXTS, "Of each"),
        Argument("States", *_TEXTS, "Of each: Draft, Training, Candidate, Active or Retired"),
        Argument("Created", ArgumentType.DateTime, ONE_DIMENSION, "When each was trained"),
        Argument("DriftScores", ArgumentType.Double, ONE_DIMENSION, "0 as in training, upwards; NaN where not known"),
    ),
    None,
)

GET_MODEL: Final = Function(
    "GetModel",
    "All that is known of a model",
    (_MODEL,),
    (
        _STATE,
        Argument("Version", ArgumentType.UInt32, description="Among the models of its kind"),
        Argument("TrainingStart", ArgumentType.DateTime, description="Of the data it was trained on"),
        Argument("TrainingEnd", ArgumentType.DateTime, description="Of the data it was trained on"),
        Argument("Signals", *_TEXTS, "What it looks at"),
        Argument("ContextSignals", *_TEXTS, "Those of them that say how it is run"),
        Argument("FigureNames", *_TEXTS, "What was found on data not used for the training"),
        Argument("Figures", ArgumentType.Double, ONE_DIMENSION, "Their values"),
        Argument("DataHash", _TEXT, description="SHA-256 over what it was trained on"),
        Argument("LibraryVersions", *_TEXTS, "name=version"),
        Argument("DriftScore", ArgumentType.Double, description="0 as in training, upwards; NaN where not known"),
    ),
    None,
)

ACTIVATE_MODEL: Final = Function(
    "ActivateModel",
    "Let a candidate or retired model judge this twin; the one active so far of its kind is retired",
    (_MODEL,),
    (_STATE, Argument("RetiredModelId", _TEXT, description="The one that was active before; empty: none")),
    None,
    access=Access.engineer,
)

RETIRE_MODEL: Final = Function(
    "RetireModel", "Take a model out of use; it stays on record", (_MODEL,), (_STATE,), None, access=Access.engineer
)

EXPORT_MODEL: Final = Function(
    "ExportModel",
    "A model as a ZIP archive of record.json and arrays.npz (numpy, without pickle)",
    (_MODEL,),
    (Argument("Archive", ArgumentType.ByteString, description="At most 8 MB"),),
    None,
)

LABEL_EVENT: Final = Function(
    "LabelEvent",
    "Say what happened in a stretch of time. After Maintenance the baselines of the models trained before do not hold "
    "any more",
    (
        Argument("EventId", _TEXT, description="The anomaly it is about; empty: Start and End say the time"),
        Argument("Label", _TEXT, description="Normal, Fault, Failure, Maintenance or Other"),
        Argument("Start", ArgumentType.DateTime, description="Null: that of the event, or now"),
        Argument("End", ArgumentType.DateTime, description="Null: as Start"),
        Argument("Text", _TEXT, description="What it was, for whoever reads it later"),
    ),
    (
        Argument("LabelId", _TEXT, description="Of the new label"),
        Argument("InvalidModelIds", *_TEXTS, "Models whose baseline does not hold any more"),
    ),
    None,
    needs=with_signals,
    access=Access.operate,
)

MANAGING: Final = (
    TRAIN_MODEL,
    LIST_MODELS,
    GET_MODEL,
    ACTIVATE_MODEL,
    RETIRE_MODEL,
    EXPORT_MODEL,
    LABEL_EVENT,
)
