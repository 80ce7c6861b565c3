"""What a plant file may say about a Modbus connection and about a point in a device."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from drivers.tls import Tls

Table = Literal["coil", "discrete", "input", "holding"]
Order = Literal["big", "little"]
Notation = Literal["zero_based", "one_based", "modicon"]
WriteWith = Literal["any", "single", "multiple"]
Byte = Literal["high", "low"]
Framing = Literal["own", "pymodbus"]
TransportKind = Literal["tcp", "rtu", "rtu_over_tcp", "tls", "udp"]
Kind = Literal[
    "bool",
    "int8",
    "uint8",
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
    """A Modbus device, a gateway with several units behind it, or a serial line with several units on it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    transport: TransportKind = Field(
        default="tcp",
        description="tcp; tls (Modbus/TCP Security); udp; rtu, a serial line; rtu_over_tcp, a serial device server "
        "that passes the bytes of the line on.",
    )
    framing: Framing = Field(
        default="own",
        description="own; pymodbus: frames are built and cut by pymodbus' framers, one request at a time, which also "
        "take answers of gateways that leave the transaction identifier 0 or count one byte too few.",
    )
    host: str | None = Field(
        default=None, min_length=1, description="Name or address of the device or gateway; for all but rtu."
    )
    port: int = Field(default=502, ge=1, le=65535, description="TCP or UDP port; the default for tls is 802.")
    device: str | None = Field(default=None, min_length=1, description="Serial port (/dev/ttyUSB0, COM3); for rtu.")
    baud_rate: int = Field(default=19200, ge=50, le=4_000_000, description="Of the serial line, bits per second.")
    parity: Literal["even", "odd", "none"] = Field(default="even", description="Of the serial line.")
    stop_bits: Literal[1, 2] = Field(default=1, description="Of the serial line; 2 where parity is none.")
    echo: bool = Field(default=False, description="The line gives back what is sent (two-wire adapters), for rtu.")
    tls: Tls | None = Field(default=None, description="Certificates, for tls: ca, cert, key, server_name, insecure.")
    unit: Unit = Field(default=1, description="Unit identifier of points that name none, 0 to 255.")
    timeout_s: float = Field(default=1.0, gt=0, le=60, description="How long one answer may take, seconds.")
    connect_timeout_s: float = Field(default=3.0, gt=0, le=60, description="How long connecting may take, seconds.")
    reconnect_after: int = Field(
        default=5, ge=1, description="Timeouts in a row, without any answer, after which the connection is opened anew."
    )
    pause_s: float = Field(
        default=0.0, ge=0, le=10, description="Pause between an answer and the next request, for slow devices, seconds."
    )
    pause_after_connect_s: float = Field(
        default=0.0, ge=0, le=60, description="Pause between connecting and the first request, seconds."
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
    string_byte_order: Order | None = Field(
        default=None, description="Order of the two characters in a register, where it is not byte_order."
    )
    write_with: WriteWith = Field(
        default="any",
        description="Functions a device takes for writing: any; single: it knows no FC 15 and 16, so FC 5 and 6 are "
        "repeated; multiple: it knows no FC 5 and 6.",
    )
    addresses: Notation = Field(
        default="zero_based",
        description="How addresses are written: zero_based as on the wire, one_based as in many manuals, or modicon "
        "(40001 or 400001 is the first holding register, 30001 input, 10001 discrete, 1 coil).",
    )

    @property
    def place(self) -> str:
        """Where the device is, for messages."""
        return str(self.device) if self.transport == "rtu" else f"{self.host}:{self.port}"

    @property
    def is_rtu(self) -> bool:
        """Whether frames are those of a serial line, which takes one request at a time."""
        return self.transport in ("rtu", "rtu_over_tcp")

    @model_validator(mode="before")
    @classmethod
    def _port_of_tls(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("transport") == "tls" and "port" not in data:
            return {**data, "port": 802}
        return data

    @model_validator(mode="after")
    def _fits_transport(self) -> Self:
        if self.transport == "rtu" and self.device is None:
            raise ValueError("device is missing; give device: the serial port of the line (/dev/ttyUSB0)")
        if self.transport == "rtu" and self.host is not None:
            raise ValueError("transport rtu has no `host`; for a serial device server set `transport: rtu_over_tcp`")
        if self.transport != "rtu" and self.host is None:
            raise ValueError("host is missing; give host: name or address of the device or gateway")
        if self.transport != "rtu" and self.device is not None:
            raise ValueError("`device` is a serial port; set `transport: rtu`, or leave it out")
        if self.transport != "tls" and self.tls is not None:
            raise ValueError("`tls` has no effect without `transport: tls`")
        if self.framing == "pymodbus" and self.pipeline > 1:
            raise ValueError("`framing: pymodbus` takes one request at a time; leave out `pipeline`")
        if self.is_rtu and self.pipeline > 1:
            raise ValueError("a serial line takes one request at a time; leave out `pipeline`")
        return self


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
    byte: Byte | None = Field(
        default=None, description="Byte of the register that an int8 or uint8 takes. Default: low."
    )
    length: Annotated[int, Field(strict=True, ge=1, le=125)] | None = Field(
        default=None, description="Registers a string or bytes take (two characters each)."
    )
    byte_order: Order | None = Field(default=None, description="Where it is not that of the connection.")
    word_order: Order | None = Field(default=None, description="Where it is not that of the connection.")
    scale: Finite = Field(default=1.0, description="value = raw * scale + offset.")
    offset: Finite = Field(default=0.0, description="value = raw * scale + offset, in the tag's unit.")
    scale_from: Annotated[int, Field(strict=True, ge=0, le=999_999)] | None = Field(
        default=None,
        description="Address of a register of the same unit and table that holds a power of ten (SunSpec sunssf); the "
        "value is multiplied by that too.",
    )
    read_alone: bool = Field(
        default=False, description="Read it in a request of its own, for devices that refuse to read it with others."
    )
    no_data: Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)] | None = Field(
        default=None,
        description="Raw value by which the device says that it has no value, before scale (0x8000, -9999.0, .nan); "
        "it turns the tag Bad (BadSensorFailure).",
    )
