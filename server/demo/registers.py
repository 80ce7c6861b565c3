"""The register map of the demo's Modbus units: which instrument or command lies where, and in which encoding."""

from __future__ import annotations

from dataclasses import dataclass

from server.demo.sensors import PRIMARY, SECONDARY


@dataclass(frozen=True, slots=True)
class Register:
    """table: "coil", "discrete", "holding" or "input". kind: "bit", "u16", "i16", "u32", "f32", "f32_swapped" (low word
    first) or "text" (16 characters). The register holds value / scale. Writable ones are commands."""

    table: str
    address: int
    kind: str
    path: str
    scale: float = 1.0
    writable: bool = False

    @property
    def count(self) -> int:
        """Registers (or bits) it takes."""
        return {"bit": 1, "u16": 1, "i16": 1, "text": 8}.get(self.kind, 2)


def _pump(path: str) -> tuple[Register, ...]:
    """A drive: floats in the order of the standard, high word first."""
    floats = (
        ("Speed", 0),
        ("Flow", 2),
        ("DischargePressure", 4),
        ("Power", 6),
        ("Current", 8),
        ("Motor/WindingTemperature", 10),
        ("Motor/Load", 12),
        ("Impeller/Efficiency", 14),
        ("Impeller/Cavitation", 16),
    )
    return (
        *(Register("input", address, "f32", f"{path}/{name}") for name, address in floats),
        Register("input", 20, "u16", f"{path}/State"),
        Register("input", 22, "u32", f"{path}/OperatingHours"),
        Register("holding", 0, "f32", f"{path}/SpeedSetpoint", writable=True),
        Register("discrete", 0, "bit", f"{path}/Running"),
        Register("discrete", 1, "bit", f"{path}/Fault"),
        Register("coil", 0, "bit", f"{path}/Run", writable=True),
        Register("coil", 1, "bit", f"{path}/Reset", writable=True),
    )


def _chiller() -> tuple[Register, ...]:
    """Scaled 16-bit integers, as small controllers have them; registers from 100 up."""
    path = f"{PRIMARY}/Chiller"
    scaled = (
        ("EnteringWaterTemperature", 0.01),
        ("LeavingWaterTemperature", 0.01),
        ("Capacity", 0.1),
        ("CoolingPower", 0.1),
        ("Power", 0.1),
        ("CoefficientOfPerformance", 0.01),
        ("Compressor/SuctionPressure", 0.01),
        ("Compressor/DischargePressure", 0.01),
        ("Compressor/DischargeTemperature", 0.1),
        ("Compressor/OilPressure", 0.01),
        ("Evaporator/Approach", 0.01),
        ("Condenser/EnteringWaterTemperature", 0.01),
        ("Condenser/LeavingWaterTemperature", 0.01),
    )
    return (
        *(Register("input", 100 + i, "i16", f"{path}/{name}", scale) for i, (name, scale) in enumerate(scaled)),
        Register("input", 113, "u16", f"{path}/State"),
        Register("input", 114, "u32", f"{path}/OperatingHours"),
        Register("input", 120, "text", f"{path}/Message"),
        Register("discrete", 0, "bit", f"{path}/Fault"),
        Register("holding", 100, "i16", f"{path}/TemperatureSetpoint", 0.1, writable=True),
        Register("holding", 101, "u16", f"{path}/CapacityLimit", 0.1, writable=True),
        Register("coil", 0, "bit", f"{path}/StartRequest", writable=True),
        Register("coil", 1, "bit", f"{path}/StopRequest", writable=True),
        Register("coil", 2, "bit", f"{path}/Reset", writable=True),
    )


def _controller() -> tuple[Register, ...]:
    """The plant's PLC: floats with the low word first, all in holding registers, measurements read-only."""
    floats = (
        "CoolingLoad",
        "CoefficientOfPerformance",
        "ProductionTemperature",
        f"{PRIMARY}/SupplyTemperature",
        f"{PRIMARY}/ReturnTemperature",
        f"{PRIMARY}/Flow",
        f"{PRIMARY}/HeaderPressure",
        f"{PRIMARY}/DifferentialPressure",
        f"{SECONDARY}/SupplyTemperature",
        f"{SECONDARY}/ReturnTemperature",
        f"{SECONDARY}/Flow",
        f"{SECONDARY}/HeatRejected",
        f"{PRIMARY}/HeatExchanger/ColdInletTemperature",
        f"{PRIMARY}/HeatExchanger/ColdOutletTemperature",
        f"{PRIMARY}/HeatExchanger/HotInletTemperature",
        f"{PRIMARY}/HeatExchanger/HotOutletTemperature",
        f"{PRIMARY}/HeatExchanger/HeatFlow",
    )
    return (
        *(Register("holding", 2 * i, "f32_swapped", path) for i, path in enumerate(floats)),
        Register("holding", 40, "u16", "ActiveFaults"),
        Register("holding", 50, "f32_swapped", "ProductionLoad", writable=True),
        Register("holding", 52, "u16", "InjectFault", writable=True),
    )


DRIVE_OF_PUMP3 = 3
"""The unit that falls silent with `Fault.DriveDead`."""

UNITS: dict[int, tuple[Register, ...]] = {
    1: _pump(f"{PRIMARY}/Pump1"),
    2: _pump(f"{PRIMARY}/Pump2"),
    DRIVE_OF_PUMP3: _pump(f"{SECONDARY}/Pump3"),
    10: _chiller(),
    20: _controller(),
}
