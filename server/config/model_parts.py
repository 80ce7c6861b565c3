"""Models of types and twins in the text: taken apart once, made into those of any number of twins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from server.config.checking import Checker, describe
from server.config.errors import Problems
from server.config.model_spec import ModelSpec, model_rules
from server.config.pieces import Names, Piece
from server.config.yaml_source import Map

MODEL: Final[Checker[ModelSpec]] = Checker(ModelSpec, model_rules)
MODEL_KEYS: Final = frozenset({"model", "models"})


@dataclass(frozen=True, slots=True)
class ModelPart:
    """A model in the text. name: "" for that under `model`, which is called by its kind."""

    name: str
    raw: Map
    spec: Piece


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """A model of one twin, before its tags are looked up."""

    name: str
    raw: Map
    spec: ModelSpec


def model_parts(raw: Map, names: Names, problems: Problems) -> Iterator[ModelPart]:
    """What stands under `model` and `models`."""
    for name, value, place in _texts(raw, problems):
        if not isinstance(value, Map):
            what = f"the model {name}" if name else "model"
            problems.add(place, f"{what} is {describe(value)}; it must be a mapping like {{kind: pump, ...}}")
            continue
        piece = Piece(value, value.place, names, problems)
        piece.define(MODEL)
        yield ModelPart(name, value, piece)


def _texts(raw: Map, problems: Problems) -> Iterator[tuple[str, object, int]]:
    if raw.get("model") is not None:
        yield "", raw["model"], raw.value_at["model"]
    listed = raw.get("models")
    if isinstance(listed, Map):
        for name, value in listed.items():
            if not name.isidentifier():
                problems.add(listed.key_at[name], f"{name} cannot name a model; use letters, digits and _")
            yield name, value, listed.value_at[name]
    elif listed is not None:
        problems.add(raw.value_at["models"], f"models is {describe(listed)}; it must be a mapping of models by name")


def model_draft(part: ModelPart, spec: ModelSpec) -> ModelDraft:
    """The model of one twin."""
    return ModelDraft(part.name or spec.what, part.raw, spec)
