"""The tags that uatwin itself computes: how good a twin's data is, and how a connection fares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from drivers.data_types import DataType
from server.config.plant import CommandRules, Tag

CONNECTION_STATES: Final = ("Disconnected", "Connecting", "Connected")
"""Values 0, 1, 2 of a connection's State."""

_TWIN: Final = (
    ("GoodFraction", DataType.Double, "Share of the telemetry of this twin and those below it that is Good", "P1"),
    ("BadTags", DataType.UInt32, "Telemetry of this twin and those below it that is not Good", None),
    ("QualityProblems", DataType.UInt32, "Telemetry of this twin and those below it with doubtful values", None),
)
_CONNECTION: Final = (
    ("State", DataType.Int32, "State of the connection", None),
    ("LastError", DataType.String, "Last error of the connection", None),
    ("LastErrorTime", DataType.DateTime, "When that was", None),
    ("Requests", DataType.UInt64, "Requests since the start", None),
    ("Errors", DataType.UInt64, "Requests that failed since the start, of every kind", None),
    ("ConnectFailures", DataType.UInt64, "Attempts to connect that failed", None),
    ("LinkLosses", DataType.UInt64, "Times an open connection broke", None),
    ("Timeouts", DataType.UInt64, "Requests without an answer in time", None),
    ("Refusals", DataType.UInt64, "Requests that the device refused by its protocol", None),
    ("Malformed", DataType.UInt64, "Answers and messages that could not be understood", None),
    ("Reconnects", DataType.UInt32, "Times the connection was opened again since the start", None),
    ("SilentUnits", DataType.UInt32, "Units behind it that do not answer and are only probed", None),
    ("MissedPolls", DataType.UInt64, "Polls skipped because the one before took too long", None),
    ("LatencyP50", DataType.Double, "Time from a request to its answer: half of the latest 100 were quicker", "C26"),
    ("LatencyP99", DataType.Double, "Time from a request to its answer: 99 of the latest 100 were quicker", "C26"),
    ("BytesSent", DataType.UInt64, "Bytes sent since the start", "AD"),
    ("BytesReceived", DataType.UInt64, "Bytes received since the start", "AD"),
)
HISTORY: Final = "History"
"""The folder under Objects that tells how the history fares."""
HISTORY_STATES: Final = ("Off", "Writing", "Stopped")
"""Values 0, 1, 2 of the history's State."""
_HISTORY: Final = (
    ("State", DataType.Int32, "Whether values are kept", None),
    ("LastError", DataType.String, "Why no values are kept; empty while they are", None),
    ("StoredValues", DataType.UInt64, "Values that are in the store", None),
    ("LostValues", DataType.UInt64, "Values since the start that could not be kept", None),
    ("WaitingValues", DataType.UInt64, "Values in memory that are to be written", None),
    ("Bytes", DataType.UInt64, "What the store takes", "AD"),
    ("OldestValue", DataType.DateTime, "SourceTimestamp of the oldest value", None),
    ("WriteTime", DataType.Double, "How long it took to write the latest values down", "C26"),
)

RULES: Final = "Rules"
"""The folder under Objects that tells how the alarms fare, and where rules are added."""
_RULES: Final = (
    ("Alarms", DataType.UInt32, "Alarms that there are", None),
    ("ActiveAlarms", DataType.UInt32, "Alarms that are active", None),
    ("AlarmsPerHour", DataType.UInt32, "How often alarms became active within the last hour", None),
    ("Chattering", DataType.UInt32, "Alarms that became active three times or more within a minute", None),
    ("Fleeting", DataType.UInt64, "Alarms since the start that were over within ten seconds", None),
    ("Stale", DataType.UInt32, "Alarms that have been active for a day", None),
    ("Flooding", DataType.Boolean, "More than ten alarms came within ten minutes, and not yet fewer than five", None),
    ("Floods", DataType.UInt32, "How often that has begun since the start", None),
    ("PassTime", DataType.Double, "What an evaluation of all rules takes", "C26"),
)


PUBLISHERS: Final = "Publishers"
"""The folder under Objects with one object for each publisher."""
PUBLISHER_STATES: Final = ("Stopped", "Connecting", "Connected")
"""Values 0, 1, 2 of a publisher's State."""
_PUBLISHER: Final = (
    ("State", DataType.Int32, "Whether it is connected to its broker", None),
    ("LastError", DataType.String, "Its last error", None),
    ("TakenValues", DataType.UInt64, "Committed values of the tags it publishes", None),
    ("ReducedValues", DataType.UInt64, "Of those, the ones that remain after reduction", None),
    ("SentValues", DataType.UInt64, "Values that the broker has acknowledged", None),
    ("SentMessages", DataType.UInt64, "Messages that the broker has acknowledged", None),
    ("QueuedValues", DataType.UInt64, "Values that wait on disk", None),
    ("QueuedBytes", DataType.UInt64, "What they take there", "AD"),
    ("DroppedValues", DataType.UInt64, "Values given up for their age, or because there were too many", None),
    ("Commands", DataType.UInt64, "Commands of subscribers that were answered", None),
    ("Disconnects", DataType.UInt64, "Connections that were lost", None),
)


SCENARIOS: Final = "Scenarios"
"""The folder under Objects with one object for each scenario."""
SCENARIO_STATES: Final = ("Running", "Paused", "Failed")
"""Values 0, 1, 2 of a scenario's State."""
SPEED: Final = "Speed"
_SCENARIO: Final = (
    ("State", DataType.Int32, "Whether it goes on", None),
    ("Reason", DataType.String, "Why it failed, or what is to be kept in mind", None),
    ("Twin", DataType.String, "What was copied; empty: the whole plant", None),
    ("SimulatedTime", DataType.DateTime, "The time in the scenario", None),
    (SPEED, DataType.Double, "Simulated seconds that are to go by in a second; 0: it is paused", None),
    ("RealTimeFactor", DataType.Double, "Simulated seconds that went by in the last second", None),
    ("Age", DataType.Double, "How long it has existed", "SEC"),
    ("ExpiresAt", DataType.DateTime, "When it will be deleted", None),
    ("Inputs", DataType.String, "What its models take from outside, and no model gives", None),
    ("InputValues", DataType.Double, "Of each", None),
    ("Models", DataType.String, "The models that feed it, with kind and fidelity", None),
)


def twin_diagnostics(path: str, row: int) -> tuple[Tag, ...]:
    """The diagnostics tags of a twin, with rows from `row` on."""
    return tuple(
        Tag(row + index, name, f"{path}/{name}", data_type, text, unit=unit, range=(0.0, 100.0) if unit else None)
        for index, (name, data_type, text, unit) in enumerate(_TWIN)
    )


def connection_diagnostics(name: str, row: int) -> tuple[Tag, ...]:
    """The diagnostics tags of a connection, with rows from `row` on."""
    return tuple(
        Tag(
            row + index,
            variable,
            f"Connections/{name}/{variable}",
            data_type,
            text,
            unit=unit,
            states=CONNECTION_STATES if variable == "State" else (),
        )
        for index, (variable, data_type, text, unit) in enumerate(_CONNECTION)
    )


def history_diagnostics(row: int) -> tuple[Tag, ...]:
    """The tags about the history, with rows from `row` on."""
    return _service(HISTORY, _HISTORY, HISTORY_STATES, row)


def rules_diagnostics(row: int) -> tuple[Tag, ...]:
    """The tags about the alarms, with rows from `row` on."""
    return _service(RULES, _RULES, (), row)


def publisher_diagnostics(name: str, row: int) -> tuple[Tag, ...]:
    """The tags about a publisher, with rows from `row` on."""
    return _service(f"{PUBLISHERS}/{name}", _PUBLISHER, PUBLISHER_STATES, row)


def scenario_tags(path: str, inputs: int, models: int, most_speed: float) -> tuple[Tag, ...]:
    """The tags about a scenario whose node has that path, without rows (-1). inputs, models: how many it may have (Part
    3, 5.6.2: ArrayDimensions is the most); Speed is a command."""
    lengths = {"Inputs": inputs, "InputValues": inputs, "Models": models}
    span = 0.0, most_speed
    speed = CommandRules(span, clamp=False, confirm="acknowledge", tolerance=0.0, within_s=1.0)
    tags = [replace(tag, row=-1) for tag in _service(path, _SCENARIO, SCENARIO_STATES, 0)]
    return tuple(
        replace(tag, range=span, command=speed)
        if tag.name == SPEED
        else replace(tag, array_length=lengths.get(tag.name, 0))
        for tag in tags
        if lengths.get(tag.name, 1)
    )


def _service(
    path: str, what: Sequence[tuple[str, DataType, str, str | None]], states: tuple[str, ...], row: int
) -> tuple[Tag, ...]:
    return tuple(
        Tag(
            row + index,
            name,
            f"{path}/{name}",
            data_type,
            text,
            unit=unit,
            states=states if name == "State" else (),
        )
        for index, (name, data_type, text, unit) in enumerate(what)
    )
