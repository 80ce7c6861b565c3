"""Twins that a connection may make: what a plant file says of them, and what a driver announces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field


class Creation(BaseModel):
    """One entry of `create` of a connection: what a twin is made of once an unknown machine speaks. Drivers derive
    their own, which say how such a machine is recognised."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    type: str = Field(description="Type of the plant file that the twin is made from.")
    name: str = Field(min_length=1, description="Name of the twin, with the parameters: Pump{n}.")
    under: str = Field(
        default="", description="Path of the twin it stands under, with the parameters. Default: a root."
    )
    at_most: int = Field(default=1000, ge=0, le=100_000, description="Most twins that this entry may make.")

    @property
    def source(self) -> str:
        """What tells the entry from the others of its connection."""
        raise NotImplementedError

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names that an announcement has values for."""
        raise NotImplementedError


@runtime_checkable
class Creating(Protocol):
    """Settings of a connection that may make twins."""

    @property
    def create(self) -> Sequence[Creation] | None:
        """The entries, None or nothing where no twin is made."""


def creations_of(settings: object) -> Sequence[Creation]:
    """The entries of a connection's settings."""
    return (settings.create or ()) if isinstance(settings, Creating) else ()


@dataclass(frozen=True, slots=True)
class News:
    """A machine that speaks and has no tag. source: of the entry it fits; values: its parameters, as they came."""

    source: str
    values: Mapping[str, str]


@runtime_checkable
class Announcing(Protocol):
    """A Driver that hears of machines which the plant file does not know."""

    def news(self) -> Sequence[News]:
        """Those heard of since the last call, each once and no more of an entry than it may make."""
