"""What a plant file may say about a CoAP device and about a point in it."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drivers.json_path import compile_path
from drivers.payload import SENML, PayloadFormat
from drivers.payload_fields import TimeUnit
from drivers.payload_quality import QualityCode

_FROZEN: Final = ConfigDict(frozen=True, strict=True, extra="forbid")
_LONGEST_SEGMENT: Final = 255
"""Bytes of one Uri-Path or Uri-Query option (RFC 7252, 5.10)."""
_PLACE: Final = re.compile(r"\$(value|timestamp|epoch_s|epoch_ms)\b")


class WriteMethod(StrEnum):
    """The CoAP method of a command."""

    PUT = "PUT"
    POST = "POST"


Format = Annotated[PayloadFormat, Field(strict=False)]


class OscoreKeys(BaseModel):
    """OSCORE (RFC 8613). context: directory with keys and sequence numbers, for this connection alone."""

    model_config = _FROZEN

    context: str = Field(min_length=1)


class DtlsKeys(BaseModel):
    """DTLS with a pre-shared key. psk_file: text, or hexadecimal behind "hex:"."""

    model_config = _FROZEN

    identity: str = Field(min_length=1)
    psk_file: str = Field(min_length=1)


class CoapConnection(BaseModel):
    """A CoAP device on UDP. port: 5684 with DTLS unless said. timeout_s: from sending a request to giving up,
    retransmissions included.

    max_age_s: the longest silence of an observed resource that is trusted, whatever Max-Age it states; grace_s: added
    to Max-Age before a resource is asked again; keepalive_s: a device with observed resources that says nothing for so
    long is pinged.
    """

    model_config = _FROZEN

    host: str = Field(min_length=1)
    port: int = Field(default=5683, ge=1, le=65535)
    timeout_s: float = Field(default=3.0, gt=0, le=120)
    retransmits: int = Field(default=2, ge=0, le=8)
    confirmable: bool = True
    concurrency: int = Field(default=1, ge=1, le=64)
    max_age_s: float = Field(default=60.0, gt=0)
    grace_s: float = Field(default=2.0, ge=0)
    keepalive_s: float = Field(default=10.0, gt=0)
    probe: str = "/.well-known/core"
    oscore: OscoreKeys | None = None
    dtls: DtlsKeys | None = None

    @model_validator(mode="before")
    @classmethod
    def _port_of_dtls(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("dtls") is not None and "port" not in data:
            return data | {"port": 5684}  # RFC 7252, 6.2
        return data

    @model_validator(mode="after")
    def _one_protection(self) -> Self:
        if self.oscore is not None and self.dtls is not None:
            raise ValueError("oscore and dtls protect the same messages twice; give one of them")
        return self

    @field_validator("probe")
    @classmethod
    def _readable_probe(cls, path: str) -> str:
        split_path(path)
        return path


class CoapPoint(BaseModel):
    """A value in a resource of the device, and how it is written. Paths into the payload are JSONPath ("$.a.b[0]")."""

    model_config = _FROZEN

    path: str
    query: str | None = None
    read: bool = True
    observe: bool = True
    accept: Format | None = None
    format: Format = PayloadFormat.auto
    value: str | None = None
    name: str | None = Field(default=None, min_length=1)
    timestamp: str | None = None
    timestamp_unit: Annotated[TimeUnit, Field(strict=False)] = TimeUnit.auto
    quality: str | None = None
    quality_code: Annotated[QualityCode, Field(strict=False)] = QualityCode.auto
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)
    write_path: str | None = None
    write_query: str | None = None
    write_method: Annotated[WriteMethod, Field(strict=False)] = WriteMethod.PUT
    write_format: Format | None = None
    write_content_format: int | None = Field(default=None, ge=0, le=65535)
    write_template: str | None = None
    write_words: Annotated[tuple[str, str], Field(strict=False)] | None = None

    @field_validator("path", "write_path")
    @classmethod
    def _readable_path(cls, path: str | None) -> str | None:
        if path is not None:
            split_path(path)
        return path

    @field_validator("query", "write_query")
    @classmethod
    def _readable_query(cls, query: str | None) -> str | None:
        split_query(query)
        return query

    @field_validator("value", "timestamp", "quality")
    @classmethod
    def _compilable(cls, path: str | None) -> str | None:
        if path is not None:
            compile_path(path)
        return path

    @field_validator("write_template", mode="before")
    @classmethod
    def _template_of_structure(cls, template: object) -> object:
        """A mapping or list in YAML is the JSON to send, in which "$value" stands for the value; so does $value in a
        text, as {value} would be a parameter of the plant file."""
        if isinstance(template, (dict, list)):
            template = json.dumps(template, ensure_ascii=False)
            for key in ("value", "epoch_s", "epoch_ms"):
                template = template.replace(f'"${key}"', f"${key}")
        if not isinstance(template, str):
            return template
        return _PLACE.sub(r"{\1}", template)

    @field_validator("scale")
    @classmethod
    def _invertible(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("scale 0 makes every value the offset; right is any other number, 1 for none")
        return scale

    @model_validator(mode="after")
    def _fields_fit_the_format(self) -> Self:
        pathless = SENML | {PayloadFormat.text, PayloadFormat.raw}
        for key in ("value", "timestamp", "quality"):
            if self.format in pathless and getattr(self, key) is not None:
                raise ValueError(f"{key} is a path into JSON or CBOR and has no meaning in {self.format.value}")
        if self.name is not None and self.format not in SENML | {PayloadFormat.auto}:
            raise ValueError(f"name is that of a SenML record and has no meaning in {self.format.value}")
        if self.write_template is not None and "{value}" not in self.write_template:
            raise ValueError("write_template does not contain $value, so every command would send the same")
        return self


def split_path(path: str) -> tuple[str, ...]:
    """The Uri-Path options of a path: "/a/b" is ("a", "b"), "/" is (). Raises ValueError."""
    if not path.startswith("/"):
        raise ValueError(f'"{path}" is not a resource path; it starts with /, for example "/{path}"')
    for mark, cure in (("?", "put what follows the ? into query"), ("#", "a resource has no fragment")):
        if mark in path:
            raise ValueError(f'"{path}" contains {mark}; {cure}')
    segments = () if path == "/" else tuple(path[1:].split("/"))
    if any(segment in (".", "..") for segment in segments) or "" in segments[:-1]:
        raise ValueError(f'"{path}" has an empty or relative segment; write the path out, like "/sensors/1"')
    _refuse_long(segments)
    return segments


def split_query(query: str | None) -> tuple[str, ...]:
    """The Uri-Query options of a query: "a=1&b" is ("a=1", "b"). Raises ValueError."""
    if query is None:
        return ()
    if query == "" or query.startswith("?"):
        raise ValueError(f'"{query}" is not a query; write it without ?, like "unit=C&n=1"')
    parts = tuple(query.split("&"))
    _refuse_long(parts)
    return parts


def _refuse_long(parts: tuple[str, ...]) -> None:
    for part in parts:
        if len(part.encode()) > _LONGEST_SEGMENT:
            raise ValueError(
                f'"{part[:20]}..." is longer than the {_LONGEST_SEGMENT} bytes that CoAP allows for a part'
            )
