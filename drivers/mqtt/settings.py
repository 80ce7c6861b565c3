"""What a plant file says about an MQTT connection and its points."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from drivers.mqtt.creation import TopicCreation
from drivers.payload import PayloadFormat
from drivers.payload_fields import TimeUnit
from drivers.payload_quality import QualityCode
from drivers.secret import OneSecret
from drivers.tls import Tls

Qos = Literal[0, 1, 2]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Availability(_Settings):
    """A topic on which a device, or the broker as its last will, tells whether the device is there."""

    topic: str
    value: str | None = None
    online: str = "online"
    offline: str = "offline"


def _one_level(name: str) -> str:
    marks = [mark for mark in "/+#" if mark in name]
    if marks:
        raise ValueError(f"{name} is one level of a topic and cannot contain {marks[0]}")
    return name


_Level = Annotated[str, Field(min_length=1), AfterValidator(_one_level)]


class SparkplugMetric(_Settings):
    """A metric of a Sparkplug B edge node, or of one of its devices. metric: its name in the birth certificate."""

    group: _Level
    node: _Level
    device: _Level | None = None
    metric: str = Field(min_length=1)


class MqttConnection(_Settings):
    """An MQTT broker, and how the bridge presents itself there."""

    host: str = Field(min_length=1)
    port: int = Field(default=1883, ge=1, le=65_535)
    version: Literal["3.1.1", "5"] = "3.1.1"
    client_id: str | None = Field(default=None, min_length=1)
    user: str | None = None
    password: SecretStr | OneSecret | None = None
    keepalive_s: int = Field(default=15, ge=1, le=65_535)
    connect_timeout_s: float = Field(default=5.0, gt=0)
    write_timeout_s: float = Field(default=2.0, gt=0)
    tls: Tls | None = None
    persistent_session: bool = False
    session_expiry_s: int = Field(default=3600, ge=1, le=2**32 - 2)
    qos: Qos = 0
    availability: Availability | None = None
    host_id: _Level | None = None
    create: Annotated[tuple[TopicCreation, ...], Field(strict=False)] | None = None

    @field_validator("version", mode="before")
    @classmethod
    def _as_written(cls, version: object) -> object:
        return str(version) if isinstance(version, int) else version  # version: 5 is a number in YAML

    @model_validator(mode="before")
    @classmethod
    def _port_of_tls(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tls") is not None and "port" not in data:
            return {**data, "port": 8883}
        return data

    @model_validator(mode="after")
    def _password_needs_user(self) -> Self:
        if self.password is not None and self.user is None:
            raise ValueError("password stands without user; MQTT sends it only together with a user name")
        return self

    def password_text(self) -> str | None:
        """The password itself, read now; raises ConnectFailed."""
        if isinstance(self.password, SecretStr):
            return self.password.get_secret_value()
        return self.password.read() if self.password else None


class Retained(StrEnum):
    """What a retained message, which may be of any age, gives: its value as UncertainLastUsableValue unless the payload
    carries its own timestamp; its value as it is; nothing."""

    uncertain = "uncertain"
    good = "good"
    ignore = "ignore"


class MqttPoint(_Settings):
    """Where a tag's value comes from and, for a command, where it goes."""

    topic: str | None = None
    format: Annotated[PayloadFormat, Field(strict=False)] = PayloadFormat.auto
    value: str | None = None
    timestamp: str | None = None
    timestamp_unit: Annotated[TimeUnit, Field(strict=False)] = TimeUnit.auto
    quality: str | None = None
    quality_code: Annotated[QualityCode, Field(strict=False)] = QualityCode.auto
    name: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    qos: Qos | None = None
    retained: Annotated[Retained, Field(strict=False)] = Retained.uncertain
    availability: Availability | None = None
    on_change: bool = False
    sparkplug: SparkplugMetric | None = None
    write_topic: str | None = None
    write_template: str | None = None
    write_words: Annotated[tuple[str, str], Field(strict=False)] | None = None
    write_qos: Qos = 1
    retain: bool = False

    @field_validator("write_template", mode="before")
    @classmethod
    def _template_of_structure(cls, template: object) -> object:
        """A mapping or list in YAML is the JSON to send; "$value" in it stands for the value, and so on."""
        if not isinstance(template, (dict, list)):
            return template
        text = json.dumps(template, ensure_ascii=False)
        for key in ("value", "timestamp", "epoch_s", "epoch_ms"):
            text = text.replace(f'"${key}"', f'"{{{key}}}"' if key == "timestamp" else f"{{{key}}}")
        return text

    @field_validator("scale")
    @classmethod
    def _not_zero(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("scale is 0, which makes every value the same; leave it out for 1")
        return scale
