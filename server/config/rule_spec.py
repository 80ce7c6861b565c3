"""What a rule of the plant file may hold, and what its keys say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from server.config.alarm_definitions import Kind, Level
from server.config.checking import Loc
from server.config.spec import Scalar, Seconds, Spec

SEVERITY_WORDS: Final[Mapping[str, int]] = {"low": 200, "medium": 500, "high": 700, "urgent": 900}
"""Priorities by word, as OPC UA severities (Part 5, 6.4.2: 1 to 1000, higher is worse)."""
LEVELS: Final = {"low_low": Level.low_low, "low": Level.low, "high": Level.high, "high_high": Level.high_high}
"""Limits from the lowest to the highest."""
PER_S: Final[Mapping[str, float]] = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
QUALITIES: Final = ("flat_line", "spike", "out_of_range", "gap")
"""Data-quality problems; bit n of the flags is the n-th."""


def _of_word(value: object) -> object:
    """The severity that a word stands for."""
    if not isinstance(value, str):
        return value
    if value not in SEVERITY_WORDS:
        words = ", ".join(f"{word} ({number})" for word, number in SEVERITY_WORDS.items())
        context = {"value": value, "words": words}
        raise PydanticCustomError("severity", "{value} is no severity; give 1 to 1000, or {words}", context)
    return SEVERITY_WORDS[value]


Severity = Annotated[
    int,
    BeforeValidator(_of_word, json_schema_input_type=int | Literal["low", "medium", "high", "urgent"]),
    Field(ge=1, le=1000),
]
Limit = Annotated[float, Field(allow_inf_nan=False)]
LevelName = Literal["low_low", "low", "high", "high_high"]
QualityName = Literal["flat_line", "spike", "out_of_range", "gap"]
Delay = Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)]
Broken = Iterator[tuple[Loc, str]]


class RuleSpec(Spec):
    """An alarm; what it watches follows from its keys: limits, setpoint, rate_per, normal or state, no_signal_s,
    expression, quality or connection."""

    description: str = Field(default="", description="What the alarm means.")
    input: str | None = Field(
        default=None,
        description="Path of the tag it watches; under the section rules it may be a pattern: **/Motor*/Load.",
    )
    high_high: Limit | None = Field(default=None, description="Alarm above this, worse than high.")
    high: Limit | None = Field(default=None, description="Alarm above this.")
    low: Limit | None = Field(default=None, description="Alarm below this.")
    low_low: Limit | None = Field(default=None, description="Alarm below this, worse than low.")
    unit: str | None = Field(default=None, description="Unit the limits are meant in; must be that of the tag.")
    exclusive: bool = Field(
        default=True, description="true: only the outermost limit is active; false: every limit that is passed."
    )
    deadband: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="How far the value must come back behind a limit."
    )
    setpoint: str | None = Field(
        default=None, description="Tag whose value is subtracted first: the limits are deviations from it."
    )
    rate_per: Literal["second", "minute", "hour"] | None = Field(
        default=None, description="The limits are changes of the value per second, minute or hour."
    )
    window_s: Seconds | None = Field(
        default=None,
        description="Time over which the rate of change is taken, seconds. Default: 10 x rate_s of the tag.",
    )
    normal: Scalar | None = Field(default=None, description="Alarm while the value is not this value or state.")
    state: Scalar | None = Field(default=None, description="Alarm while the value is this value or state.")
    no_signal_s: Seconds | None = Field(
        default=None, description="Alarm when the tag had no usable value for so many seconds."
    )
    expression: str | None = Field(
        default=None, min_length=1, max_length=1000, description='Alarm while it holds: "Pump1.Running and Flow < 5".'
    )
    tags: dict[str, str] = Field(default_factory=dict, description="Names in the expression to paths of tags.")
    quality: Annotated[tuple[QualityName, ...], Strict(False), Field(min_length=1)] | None = Field(
        default=None, description="Alarm while the data of the tag has one of these problems."
    )
    connection: str | None = Field(
        default=None, description="Alarm while connections of that name or pattern are not connected."
    )
    on_delay_s: Delay = Field(
        default=0.0, description="It must last so long to become active, seconds by the device's clock."
    )
    off_delay_s: Delay = Field(default=0.0, description="It must be over so long to become inactive, seconds.")
    on_bad: Literal["hold", "reset"] = Field(
        default="hold", description="While there is no usable value a running delay stands still, or starts anew."
    )
    severity: Severity | dict[LevelName, Severity] | None = Field(
        default=None, description="1 to 1000, or low (200), medium (500), high (700), urgent (900); also by limit."
    )
    message: str = Field(default="", description="Shown to operators; {value}, {limit} and {unit} are filled in.")
    cause: str = Field(default="", description="What usually causes it.")
    consequence: str = Field(default="", description="What happens when nobody acts.")
    response: str = Field(default="", description="What the operator is to do.")
    needs_confirm: bool = Field(default=False, description="It must be confirmed after it was acknowledged.")
    longest_shelve_s: Seconds = Field(default=86_400.0, description="Longest time it can be shelved, seconds.")
    enabled: bool = Field(default=True, description="false: there, but silent until somebody enables it.")

    @property
    def limits(self) -> dict[Level, float]:
        """The limits given, by level, lowest first."""
        given = {level: getattr(self, name) for name, level in LEVELS.items()}
        return {level: limit for level, limit in given.items() if limit is not None}

    @property
    def kind(self) -> Kind | None:
        """What it watches; None where the keys do not tell, and for connections."""
        if self.setpoint is not None:
            return Kind.deviation
        if self.rate_per is not None:
            return Kind.rate_of_change
        return next(
            (kind for kind, keys in _MARKS.items() if any(getattr(self, key) is not None for key in keys)), None
        )


_LIMITS: Final = tuple(LEVELS)
_MARKS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.limits: _LIMITS,
    Kind.state: ("normal", "state"),
    Kind.no_signal: ("no_signal_s",),
    Kind.expression: ("expression",),
    Kind.quality: ("quality",),
}
_ONLY_WITH_LIMITS: Final = ("setpoint", "rate_per", "unit")


def rule_rules(spec: RuleSpec) -> Broken:
    """Where a rule contradicts itself."""
    groups = [(kind, next(key for key in keys if getattr(spec, key) is not None)) for kind, keys in _MARKS.items()
              if any(getattr(spec, key) is not None for key in keys)]  # fmt: skip
    if spec.connection is not None:
        yield from _of_connection(spec, [key for _, key in groups])
        return
    if not groups:
        yield (
            (),
            "the rule watches nothing; give limits (high, low, ...), normal, state, no_signal_s, expression or quality",
        )
    elif len(groups) > 1:
        keys = " and ".join(key for _, key in groups)
        yield (groups[1][1],), f"{keys} do not go together in one rule; make two rules of it"
    elif spec.expression is not None and spec.input is not None:
        yield ("input",), "an expression names its tags itself; leave input out"
    elif spec.expression is None and spec.input is None:
        yield (), "input is missing; give the path of the tag that the rule watches"
    yield from _misplaced(spec)
    yield from _limits(spec)


def _of_connection(spec: RuleSpec, others: list[str]) -> Broken:
    for key in [*others, *(key for key in ("input", *_ONLY_WITH_LIMITS) if getattr(spec, key) is not None)]:
        yield (key,), f"a rule on a connection watches its state; leave {key} or connection out"


def _misplaced(spec: RuleSpec) -> Broken:
    """Keys that mean something with others only."""
    if not spec.limits:
        for key in _ONLY_WITH_LIMITS:
            if getattr(spec, key) is not None:
                yield (key,), f"{key} goes with limits; give high or low as well, or leave it out"
        if spec.deadband:
            yield ("deadband",), "deadband has a meaning with limits only; leave it out, or use off_delay_s"
    if spec.setpoint is not None and spec.rate_per is not None:
        yield ("rate_per",), "setpoint and rate_per do not go together in one rule; make two rules of it"
    if spec.normal is not None and spec.state is not None:
        yield ("state",), "normal and state do not go together: normal is what is no alarm, state what is one"
    yield from _misplaced_delays(spec)
    if not spec.exclusive and (spec.setpoint is not None or spec.rate_per is not None or not spec.limits):
        yield ("exclusive",), "only plain limits can be active together; leave exclusive out"
    if spec.tags and spec.expression is None:
        yield ("tags",), "tags are the names in an expression; give one, or leave tags out"


def _misplaced_delays(spec: RuleSpec) -> Broken:
    if spec.window_s is not None and spec.rate_per is None:
        yield ("window_s",), "window_s goes with rate_per; add that, or leave it out"
    if spec.no_signal_s is not None and spec.on_delay_s:
        yield ("on_delay_s",), "no_signal_s is a delay itself; leave on_delay_s out"


def _limits(spec: RuleSpec) -> Broken:
    given = [(name, getattr(spec, name)) for name in LEVELS if getattr(spec, name) is not None]
    for (below, lower), (above, upper) in pairwise(given):
        if lower >= upper:
            yield (above,), f"{above} {upper:g} must be above {below} {lower:g}"
        elif spec.deadband >= upper - lower:
            yield (
                ("deadband",),
                (
                    f"deadband {spec.deadband:g} is as wide as the distance from {below} {lower:g} to {above} "
                    f"{upper:g}: one would not end before the other begins; give less than {upper - lower:g}"
                ),
            )
    if isinstance(spec.severity, Mapping):
        for name in spec.severity:
            if name not in dict(given):
                yield ("severity", name), f"there is no limit {name}; severities are given for the limits of the rule"
