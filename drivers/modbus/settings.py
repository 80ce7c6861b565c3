"""What a plant file may say about a Modbus connection and about a point in a device."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

Table = Literal["coil", "discrete", "input", "holding"]
Order = Literal["big", "little"]
Notation = Literal["zero_based", "one_based", "modicon"]
Kind = Literal[
    "bool",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "bcd16",
    "bcd32",
    "string",
    "bytes",
]
Unit = Annotated[int, Field(strict=True, ge=0, le=255)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class ModbusConnection(BaseModel):
    """A Modbus TCP device, or a gateway with several units behind it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    host: str = Field(min_length=1, description="Name or address of the device or gateway.")
    port: int = Field(default=502, ge=1, le=65535, description="TCP port.")
    unit: Unit = Field(default=1, description="Unit identifier of points that name none, 0 to 255.")
    timeout_s: float = Field(default=1.0, gt=0, le=60, description="How long one answer may take, seconds.")
    connect_timeout_s: float = Field(default=3.0, gt=0, le=60, description="How long connecting may take, seconds.")
    reconnect_after: int = Field(
        default=5, ge=1, description="Timeouts in a row, without any answer, after which the connection is opened anew."
    )
    pause_s: float = Field(
        default=0.0, ge=0, le=10, description="Pause between an answer and the next request, for slow devices, seconds."
    )
    pipeline: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Read requests sent together, before their answers come; above 1 only for devices that queue them.",
    )
    max_gap: int = Field(
        default=8,
        ge=0,
        le=124,
        description="Unused registers that are read over rather than starting another request; one counts as 16 "
        "coils. 0 for a device that refuses to read addresses it does not have.",
    )
    max_registers: int = Field(default=125, ge=1, le=125, description="Most registers in one read request.")
    max_coils: int = Field(
        default=2000, ge=1, le=2000, description="Most coils or discrete inputs in one read request."
    )
    byte_order: Order = Field(default="big", description="Order of the two bytes in a register; the standard says big.")
    word_order: Order = Field(default="big", description="Order of the registers of a value; big: highest first.")
    addresses: Notation = Field(
        default="zero_based",
        description="How addresses are written: zero_based as on the wire, one_based as in many manuals, or modicon "
        "(40001 or 400001 is the first holding register, 30001 input, 10001 discrete, 1 coil).",
    )


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ModbusPoint:
    """Where a value lies in a device, and how."""

    address: int = Field(strict=True, ge=0, le=999_999, description="Address of its first register or coil.")
    table: Table | None = Field(
        default=None, description="Table it lies in. Default: holding, or what a modicon address says."
    )
    unit: Unit | None = Field(default=None, description="Unit identifier, where it is not that of the connection.")
    type: Kind | None = Field(
        default=None,
        description="Type in the device. Default: what the tag's type suggests (Float: float32, UInt16: uint16, ...).",
    )
    bit: Annotated[int, Field(strict=True, ge=0, le=15)] | None = Field(
        default=None, description="Bit of the register, 0 the lowest, for a value that is one bit."
    )
    length: Annotated[int, Field(strict=True, ge=1, le=125)] | None = Field(
        default=None, description="Registers a string or bytes take (two characters each)."
    )
    byte_order: Order | None = Field(default=None, description="Where it is not that of the connection.")
    word_order: Order | None = Field(default=None, description="Where it is not that of the connection.")
    scale: Finite = Field(default=1.0, description="value = raw * scale + offset.")
    offset: Finite = Field(default=0.0, description="value = raw * scale + offset, in the tag's unit.")
    no_data: Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)] | None = Field(
        default=None,
        description="Raw value by which the device says that it has no value, before scale (0x8000, -9999.0, .nan); "
        "it turns the tag Bad (BadSensorFailure).",
    )
