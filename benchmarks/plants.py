"""Plants of any size for the benchmarks: resolved ones made without a file, and plant files over a Modbus device."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from drivers.data_types import DataType
from server.config.plant import Plant, Scope, Tag, Twin

PER_ASSET: Final = 100
ALL_GOOD: Final = "ns=3;s=Hall/GoodFraction"
"""What tells of a plant of `machines` how much of it is Good."""


def doubles(tags: int) -> Plant:
    """Assets of 100 Double tags each, with EURange and EngineeringUnits: Bench/Asset<n>/Tag<row>."""
    every = tuple(
        Tag(
            row,
            f"Tag{row}",
            f"Bench/Asset{row // PER_ASSET}/Tag{row}",
            DataType.Double,
            unit="CEL",
            range=(-1e12, 1e12),
        )
        for row in range(tags)
    )
    assets = tuple(
        _twin(f"Asset{start // PER_ASSET}", "Bench", Scope.asset, every[start : start + PER_ASSET])
        for start in range(0, tags, PER_ASSET)
    )
    return Plant("Bench", "", None, {}, (_twin("Bench", "", Scope.process, (), assets),), every)


def machines(file: Path, tags: int, modbus_port: int, rate_s: float = 1.0) -> str:
    """Write the plant file of machines with 100 Double tags each, polled from one Modbus device; returns the NodeId of
    the last tag."""
    sensors = "\n".join(
        f"      Sensor{n}: {{type: Double, unit: CEL, range: [0, 1000], "
        f'rate_s: {rate_s:g}, point: {{address: "{{base + {n}}}", type: uint16, scale: 0.1}}}}'
        for n in range(PER_ASSET)
    )
    count = tags // PER_ASSET
    file.write_text(f"""plant: {{name: Bench}}
server: {{policies: [None]}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {modbus_port}}}
types:
  Machine:
    scope: asset
    parameters: {{base: {{}}}}
    connection: line
    telemetry:
{sensors}
twins:
  Hall:
    scope: process
    children:
      "Machine{{n}}": {{type: Machine, instances: {{n: 1..{count}, base: "{{(n - 1) * {PER_ASSET}}}"}}}}
""")
    return f"ns=3;s=Hall/Machine{count}/Sensor{PER_ASSET - 1}"


def one_command(file: Path, modbus_port: int, users_file: Path) -> None:
    """Write the plant file of a machine with two Double commands at the holding registers 100 and 200 (float32), one
    confirmed by acknowledgement, one by reading back, and with some telemetry that is polled besides."""
    file.write_text(f"""plant: {{name: Bench}}
server: {{policies: [None, Aes256_Sha256_RsaPss], users_file: {users_file}}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {modbus_port}}}
twins:
  Machine:
    scope: asset
    connection: line
    telemetry:
      Speed: {{type: Float, unit: RPM, range: [0, 3000], point: {{address: 0}}, rate_s: 0.1}}
    commands:
      Acknowledged: {{type: Float, range: [0, 1000000], point: {{address: 100}}}}
      ReadBack: {{type: Float, range: [0, 1000000], point: {{address: 200}}, confirm: read_back}}
""")


def _twin(name: str, parent: str, scope: Scope, tags: tuple[Tag, ...], children: tuple[Twin, ...] = ()) -> Twin:
    path = f"{parent}/{name}" if parent else name
    return Twin(name, path, scope, "", "", {}, tags, (), (), (), children)
