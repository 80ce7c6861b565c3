"""The tags that read one topic: each picks its field of a message, many plain numbers all at once. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.batch import Column
from drivers.driver import Binding, Traffic
from drivers.mqtt.malformed import count
from drivers.mqtt.presence import Presence
from drivers.mqtt.settings import MqttPoint, Retained
from drivers.mqtt.wide import Wide
from drivers.payload import PARSERS, DecodeError, Extractor, PayloadFormat, Picked
from drivers.status import Status


def extractor(binding: Binding) -> Extractor:
    """How a tag is read; raises `drivers.json_path.PathError`."""
    point: MqttPoint = binding.point
    return Extractor(
        binding.data_type,
        format=point.format,
        value=point.value,
        timestamp=point.timestamp,
        quality=point.quality,
        name=point.name,
        scale=point.scale,
        offset=point.offset,
        array_length=binding.array_length,
        timestamp_unit=point.timestamp_unit,
        quality_code=point.quality_code,
    )


class Target:
    """One tag as the receiver of messages."""

    __slots__ = ("column", "extractor", "presence", "retained", "row")

    def __init__(self, binding: Binding, column: Column, presence: Presence | None) -> None:
        self.row = binding.row
        self.column = column
        self.extractor = extractor(binding)
        self.retained: Retained = binding.point.retained
        self.presence = presence

    def give(self, picked: Picked) -> None:
        """Make it a reading, unless the device is said to be away."""
        if self.presence is not None and self.presence.offline:
            self.presence.hold(self.row, self.column, picked)
        else:
            self.column.add(self.row, picked.value, picked.status, picked.source_ticks)


class Fields:
    """The targets of one topic that share a payload format, so that a message is parsed once for all."""

    def __init__(self, form: PayloadFormat, targets: Sequence[Target], traffic: Traffic) -> None:
        self._parse = PARSERS[form]
        self._targets = targets
        self._traffic = traffic
        self._wide = Wide.of([(one.row, one.extractor, one.column, one.presence) for one in targets])
        wide_rows = set(self._wide.rows) if self._wide is not None else ()
        self._narrow = [one for one in targets if one.row not in wide_rows]

    def take(self, topic: str, payload: bytes, retained: bool, now: int) -> None:
        """One message. retained: the broker kept it from earlier. now: when it came, OPC UA ticks."""
        if not payload:
            return  # only tells the broker to forget the retained one
        try:
            parsed = self._parse(payload)
        except DecodeError as error:
            count(self._traffic, topic, str(error), [target.row for target in self._targets])
            for target in self._targets:
                target.give(Picked(None, Status.BadDecodingError, now))
            return
        done = self._wide is not None and not retained and self._wide.take(parsed, now)
        targets = self._narrow if done else self._targets
        problem, rows = self._pick(targets, parsed, retained, now)
        if problem:
            count(self._traffic, topic, problem, rows)
        elif not (done or rows):
            nothing = f"nothing of what was looked for is in {payload[:60]!r}"
            count(self._traffic, topic, nothing, [target.row for target in targets])

    def _pick(self, targets: Sequence[Target], parsed: object, retained: bool, now: int) -> tuple[str, Sequence[int]]:
        """What cannot be used and for whom; else "" and the rows that the message was for."""
        problem = ""
        wrong: list[int] = []
        found: list[int] = []
        for target in targets:
            picked = target.extractor.pick(parsed, now)
            if picked is None:
                continue
            found.append(target.row)
            if picked.problem:
                problem = picked.problem
                wrong.append(target.row)
            if retained:
                picked = _aged(picked, target.retained, now)
            if picked is not None:
                target.give(picked)
        return problem, wrong or found


def _aged(picked: Picked, retained: Retained, now: int) -> Picked | None:
    """What a retained message may claim: a value without a time of its own may be of any age."""
    if retained is Retained.ignore:
        return None
    if retained is Retained.uncertain and picked.source_ticks == now and picked.status < Status.Uncertain:
        return picked._replace(status=Status.UncertainLastUsableValue)
    return picked
