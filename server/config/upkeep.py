"""Keys that every connection has, whatever its driver: how it is kept alive, and how long its last values are shown."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from server.config.spec import Seconds, Spec


class Upkeep(Spec):
    """What of a connection the bridge looks after and not the driver."""

    bad_after_s: Seconds | None = Field(
        default=None,
        description="Seconds after which a last value that is only kept (Uncertain) turns BadNoCommunication and is "
        "shown no more, until the next reading. Default: it stays Uncertain.",
    )
    reconnect_first_s: Seconds = Field(
        default=1.0, description="Pause before a lost connection is tried again, seconds; doubling up to the next."
    )
    reconnect_last_s: Seconds = Field(default=30.0, description="Longest pause between two attempts, seconds.")
    give_up_after: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="Requests in a row that a polled unit leaves unanswered until it is only probed.",
    )
    probe_first_s: Seconds = Field(
        default=10.0,
        description="Pause before a unit that was given up is asked again, seconds; doubling up to the next.",
    )
    probe_last_s: Seconds = Field(default=300.0, description="Longest pause between two probes, seconds.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for what in ("reconnect", "probe"):
            first, last = getattr(self, f"{what}_first_s"), getattr(self, f"{what}_last_s")
            if last < first:
                raise ValueError(f"{what}_last_s {last:g} is shorter than {what}_first_s {first:g}; give both")
        return self


KEYS = frozenset(Upkeep.model_fields)
