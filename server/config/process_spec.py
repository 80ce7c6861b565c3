"""What `process` of a type or twin may hold: what it does, counts and takes in, and whom it feeds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Final, Literal

from pydantic import Field, Strict

from server.config.checking import Loc
from server.config.spec import Spec
from server.config.unit_code import Unit

Names = Annotated[tuple[str, ...], Strict(False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
STATES: Final = ("running", "setup", "starved", "blocked", "down", "planned")
"""Keys that list states, by the names of `analytics.process.stations.State`."""
SIDES: Final = {"in": "ins", "out": "outs", "loss": "losses", "stock": "stocks"}
"""Keys of a balance to the fields of `analytics.process.stations.Material`."""


class MeterSpec(Spec):
    """A tag that tells an amount."""

    tag: str = Field(min_length=1, description="Path of the tag, of this twin or of one below it.")
    per: Literal["second", "minute", "hour"] | None = Field(
        default=None, description="It is a flow, so much in that time. Default: as its unit says; else a counter."
    )
    factor: Annotated[float, Field(allow_inf_nan=False)] = Field(
        default=1.0, description="What one of it is, in unit: m3 of water evaporated for each kWh."
    )
    unit: Unit | None = Field(default=None, description="Unit of the amount after factor. Default: that of the tag.")
    uncertainty: Annotated[float, Field(ge=0, le=100)] = Field(
        default=2.0, description="Standard uncertainty in percent of the amount."
    )


MeterText = Annotated[str, Field(min_length=1)] | MeterSpec
Meters = Annotated[tuple[MeterText, ...], Strict(False)]


class BalanceSpec(Spec):
    """One material and its meters."""

    in_: Meters = Field(default=(), alias="in", description="Tags of what goes in. Default: what its feeders put out.")
    out: Meters = Field(default=(), description="Tags of what goes out. Default: what those it feeds take in.")
    loss: Meters = Field(default=(), description="Tags of what is lost on purpose: drained, evaporated, scrapped.")
    stock: Meters = Field(default=(), description="Tags of what is in it: the volume of a tank.")


class ProcessSpec(Spec):
    """What a twin does in the flow of work."""

    state: str | None = Field(default=None, min_length=1, description="Tag with states that says what it is doing.")
    running: Names = Field(default=(), description="States in which it works: actual production time.")
    setup: Names = Field(default=(), description="States in which it is set up, cleaned or changed over.")
    starved: Names = Field(default=(), description="States in which it waits for what comes in.")
    blocked: Names = Field(default=(), description="States in which it waits for room behind it.")
    down: Names = Field(default=(), description="States in which it is broken down.")
    planned: Names = Field(default=(), description="States in which it is not meant to work: no planned busy time.")
    count: MeterText | None = Field(default=None, description="Tag that counts all it makes (PQ), or its flow.")
    good: MeterText | None = Field(default=None, description="Tag that counts what of it is right (GQ).")
    rejects: MeterText | None = Field(default=None, description="Tag that counts what of it is not right.")
    ideal_cycle_s: Positive | None = Field(default=None, description="Planned run time per item (PRI), seconds.")
    ideal_rate: Positive | MeterText | None = Field(
        default=None, description="Counts an hour at best, for a flow its best value; or the tag that tells it."
    )
    items: Positive | None = Field(default=None, description="Pieces in one count, where it packs several. Default: 1.")
    feeds: Names = Field(default=(), description="Paths of the twins that take what comes out of it.")
    balance: dict[str, BalanceSpec] = Field(
        default_factory=dict, description="Meters of a material by its name: water, heat, ..."
    )

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """State names by key, where there are any."""
        return {key: getattr(self, key) for key in STATES if getattr(self, key)}


def process_rules(spec: ProcessSpec) -> Iterator[tuple[Loc, str]]:
    """Where it contradicts itself. What is missing may stand in the type or in the twin: see `process_wiring`."""
    for one, other in combinations(spec.named, 2):
        for number, name in enumerate(getattr(spec, other)):
            if name in getattr(spec, one):
                yield (other, number), f"{name} is in {one} as well; a state belongs to one of them"
    if spec.ideal_cycle_s is not None and spec.ideal_rate is not None:
        yield ("ideal_rate",), "ideal_cycle_s and ideal_rate say the same; give one of them"
    if spec.count is not None and spec.good is not None and spec.rejects is not None:
        yield ("rejects",), "two of count, good and rejects say it all; leave one of them out"
    for name, balance in spec.balance.items():
        if not any(getattr(balance, "in_" if side == "in" else side) for side in SIDES):
            yield ("balance", name), f"{name} has no meters; give in, out, loss or stock"
