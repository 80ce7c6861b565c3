"""What all models of the plant file stand on."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Scalar = bool | int | float | str
Seconds = Annotated[float, Field(ge=0.001, le=31_536_000, allow_inf_nan=False)]


class Spec(BaseModel):
    """Frozen, strict, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
