"""What the demo plant's instruments show: every tag by its path below the process, with noise and stuck sensors."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from server.demo.faults import Fault
from server.demo.machines import Bearing, Pump, RunState
from server.demo.physics import CoolingPlant
from server.demo.thermal import WATER_KJ, saturation_bar

Value = float | int | bool | str
Shown = tuple[str, Value, float]
"""Path, true value, and the standard deviation of the instrument's noise (0: none)."""

PRIMARY, SECONDARY = "PrimaryLoop", "SecondaryLoop"
_STUCK = f"{PRIMARY}/SupplyTemperature"
_STATIC_BAR = 2.0


class Instruments:
    """Reads the plant as its instruments do; `read` once per step, `values` holds the last reading by path."""

    def __init__(self, plant: CoolingPlant, seed: int = 1) -> None:
        self._plant = plant
        self._random = Random(seed + 1)
        self.values: dict[str, Value] = {}
        self.read()

    def read(self) -> None:
        """Take all readings anew; a stuck sensor keeps what it showed."""
        stuck = self.values.get(_STUCK) if Fault.SensorStuck in self._plant.faults else None
        gauss = self._random.gauss
        self.values = {
            path: value + gauss(0.0, noise) if noise else value  # type: ignore[operator]
            for path, value, noise in _everything(self._plant)
        }
        if stuck is not None:
            self.values[_STUCK] = stuck


def _everything(plant: CoolingPlant) -> Iterator[Shown]:
    yield from _process(plant)
    yield from _primary_loop(plant)
    yield from _secondary_loop(plant)
    for name, pump in plant.pumps.items():
        path = f"{SECONDARY if name == 'Pump3' else PRIMARY}/{name}"
        yield from _pump(path, pump, 1.0 if name == "Pump3" else 2.0)
    yield from _chiller(f"{PRIMARY}/Chiller", plant)
    yield from _exchanger(f"{PRIMARY}/HeatExchanger", plant)
    yield from _tower(f"{SECONDARY}/CoolingTower", plant)
    yield from _tank(f"{SECONDARY}/Tank", plant)


def _process(plant: CoolingPlant) -> Iterator[Shown]:
    weather = plant.weather
    yield "CoolingLoad", plant.exchanger.heat, 1.5
    yield "CoefficientOfPerformance", plant.exchanger.heat / plant.total_kw, 0.01
    yield "ProductionTemperature", plant.exchanger.hot_in, 0.03
    yield "ActiveFaults", sum(1 << fault for fault in plant.faults), 0.0
    yield "TotalPower", plant.total_kw, 0.3
    yield "TotalEnergy", plant.energy_kwh["Main"], 0.0
    yield "PowerFactor", 0.88, 0.002
    yield "Voltage", 400.0 - plant.total_kw / 80.0, 0.4
    yield "Frequency", 50.0, 0.01
    yield "OutdoorTemperature", weather.temperature, 0.05
    yield "OutdoorHumidity", weather.humidity, 0.3
    yield "WetBulbTemperature", weather.wet_bulb, 0.05
    yield "WindSpeed", weather.wind, 0.05
    yield "SolarIrradiance", weather.irradiance, 2.0 if weather.irradiance > 10.0 else 0.0
    yield "ProductionLoad", plant.load_percent, 0.0
    yield "InjectFault", int(plant.fault_command), 0.0


def _primary_loop(plant: CoolingPlant) -> Iterator[Shown]:
    head_bar = plant.pump1.head / 10.2
    yield f"{PRIMARY}/SupplyTemperature", plant.supply, 0.02
    yield f"{PRIMARY}/ReturnTemperature", plant.return_, 0.02
    yield f"{PRIMARY}/Flow", plant.flow * 3600.0, 0.25
    yield f"{PRIMARY}/HeaderPressure", _STATIC_BAR + head_bar, 0.004
    yield f"{PRIMARY}/DifferentialPressure", head_bar, 0.004
    yield f"{PRIMARY}/Power", plant.primary_kw, 0.25
    yield f"{PRIMARY}/Energy", plant.energy_kwh["Primary"], 0.0


def _secondary_loop(plant: CoolingPlant) -> Iterator[Shown]:
    cooling_flow = plant.pump3.flow * 1000.0
    rejected = cooling_flow * WATER_KJ * (plant.chiller.condenser_out - plant.tank.temperature)
    yield f"{SECONDARY}/SupplyTemperature", plant.tank.temperature, 0.02
    yield f"{SECONDARY}/ReturnTemperature", plant.chiller.condenser_out, 0.02
    yield f"{SECONDARY}/Flow", plant.pump3.flow * 3600.0, 0.25
    yield f"{SECONDARY}/HeatRejected", rejected, 2.0
    yield f"{SECONDARY}/Power", plant.secondary_kw, 0.05
    yield f"{SECONDARY}/Energy", plant.energy_kwh["Secondary"], 0.0
    yield f"{SECONDARY}/MakeUpFlow", plant.tank.make_up * 3.6, 0.01
    yield f"{SECONDARY}/Conductivity", plant.tank.conductivity, 2.0


def _pump(path: str, pump: Pump, static_bar: float) -> Iterator[Shown]:
    turning = pump.rpm > 0.0
    yield f"{path}/Speed", pump.rpm, 1.5 if turning else 0.0
    yield f"{path}/Flow", pump.flow * 3600.0, 0.15 if turning else 0.0
    yield f"{path}/DischargePressure", static_bar + pump.head / 10.2, 0.004
    yield f"{path}/Power", pump.motor.electric_kw, 0.012 if turning else 0.0
    yield f"{path}/Current", pump.motor.current, 0.03 if turning else 0.0
    yield f"{path}/State", int(pump.state), 0.0
    yield f"{path}/Running", turning, 0.0
    yield f"{path}/Fault", pump.state is RunState.Tripped, 0.0
    yield f"{path}/OperatingHours", int(pump.hours), 0.0
    yield f"{path}/SpeedSetpoint", pump.setpoint_rpm, 0.0
    yield f"{path}/Run", pump.run, 0.0
    yield f"{path}/Reset", False, 0.0
    yield f"{path}/Motor/WindingTemperature", pump.motor.winding, 0.08
    yield f"{path}/Motor/Load", 100.0 * pump.motor.shaft_kw / pump.motor.rated_kw, 0.1 if turning else 0.0
    yield f"{path}/Impeller/Efficiency", 100.0 * pump.efficiency, 0.15 if turning else 0.0
    yield f"{path}/Impeller/Cavitation", 100.0 * pump.cavitation, 0.0
    yield from _bearing(f"{path}/DriveEndBearing", pump.drive_end)
    yield from _bearing(f"{path}/NonDriveEndBearing", pump.non_drive_end)


def _bearing(path: str, bearing: Bearing) -> Iterator[Shown]:
    rms = bearing.vibration_rms
    yield f"{path}/Vibration", rms, 0.03 * rms
    yield f"{path}/PeakVibration", bearing.vibration_peak, 0.05 * rms
    yield f"{path}/Kurtosis", bearing.kurtosis, 0.08
    yield f"{path}/Temperature", bearing.temperature, 0.08


def _chiller(path: str, plant: CoolingPlant) -> Iterator[Shown]:
    chiller = plant.chiller
    running = chiller.capacity > 0.0
    yield f"{path}/EnteringWaterTemperature", chiller.entering, 0.02
    yield f"{path}/LeavingWaterTemperature", chiller.leaving, 0.02
    yield f"{path}/Capacity", 100.0 * chiller.capacity, 0.1 if running else 0.0
    yield f"{path}/CoolingPower", chiller.cooling, 1.5 if running else 0.0
    yield f"{path}/Power", chiller.power, 0.2 if running else 0.0
    yield f"{path}/CoefficientOfPerformance", chiller.cop, 0.01 if running else 0.0
    yield f"{path}/State", int(chiller.state), 0.0
    yield f"{path}/Fault", chiller.state is RunState.Tripped, 0.0
    yield f"{path}/Message", chiller.cause or chiller.state.name, 0.0
    yield f"{path}/OperatingHours", int(chiller.hours), 0.0
    yield f"{path}/TemperatureSetpoint", chiller.setpoint, 0.0
    yield f"{path}/CapacityLimit", chiller.limit, 0.0
    yield f"{path}/StartRequest", False, 0.0
    yield f"{path}/StopRequest", False, 0.0
    yield f"{path}/Reset", False, 0.0
    yield f"{path}/Compressor/SuctionPressure", saturation_bar(chiller.evaporating), 0.01
    yield f"{path}/Compressor/DischargePressure", saturation_bar(chiller.condensing), 0.02
    yield f"{path}/Compressor/DischargeTemperature", chiller.discharge, 0.1
    yield f"{path}/Compressor/OilPressure", (1.2 + 1.5 * chiller.capacity) * running, 0.01 if running else 0.0
    yield f"{path}/Compressor/Vibration", chiller.bearing.vibration_rms, 0.03 * chiller.bearing.vibration_rms
    yield f"{path}/Compressor/BearingTemperature", chiller.bearing.temperature, 0.08
    yield f"{path}/Evaporator/Approach", chiller.leaving - chiller.evaporating, 0.02
    yield f"{path}/Condenser/EnteringWaterTemperature", chiller.condenser_in, 0.02
    yield f"{path}/Condenser/LeavingWaterTemperature", chiller.condenser_out, 0.02


def _exchanger(path: str, plant: CoolingPlant) -> Iterator[Shown]:
    exchanger = plant.exchanger
    clogging = (plant.flow / 0.0267) ** 2 * (0.12 + 0.9 * exchanger.filter_clogging)
    yield f"{path}/ColdInletTemperature", exchanger.cold_in, 0.03
    yield f"{path}/ColdOutletTemperature", exchanger.cold_out, 0.03
    yield f"{path}/HotInletTemperature", exchanger.hot_in, 0.03
    yield f"{path}/HotOutletTemperature", exchanger.hot_out, 0.03
    yield f"{path}/HeatFlow", exchanger.heat, 2.0
    yield f"{path}/ControlValve/Position", exchanger.valve, 0.0
    yield f"{path}/ControlValve/PositionSetpoint", exchanger.valve_setpoint, 0.0
    yield f"{path}/Filter/DifferentialPressure", clogging, 0.002


def _tower(path: str, plant: CoolingPlant) -> Iterator[Shown]:
    tower = plant.tower
    turning = tower.fan > 0.0
    yield f"{path}/FanSpeed", tower.fan, 0.05 if turning else 0.0
    yield f"{path}/OutletTemperature", tower.outlet, 0.03
    yield f"{path}/Approach", tower.outlet - plant.weather.wet_bulb, 0.03
    yield f"{path}/FanSpeedSetpoint", tower.fan_setpoint, 0.0
    yield f"{path}/FanMotor/Power", tower.motor.electric_kw, 0.02 if turning else 0.0
    yield f"{path}/FanMotor/WindingTemperature", tower.motor.winding, 0.08
    yield f"{path}/Gearbox/OilTemperature", tower.oil, 0.05
    yield f"{path}/Gearbox/Vibration", tower.bearing.vibration_rms, 0.03 * tower.bearing.vibration_rms


def _tank(path: str, plant: CoolingPlant) -> Iterator[Shown]:
    tank = plant.tank
    yield f"{path}/Level", tank.level, 0.02
    yield f"{path}/Temperature", tank.temperature, 0.02
    yield f"{path}/Volume", tank.volume_m3 * tank.level / 100.0, 0.001
    yield f"{path}/LevelSetpoint", tank.level_setpoint, 0.0
    yield f"{path}/MakeUpValve/Position", tank.make_up_valve, 0.0
    yield f"{path}/DrainValve/Position", tank.drain_valve, 0.0
    yield f"{path}/DrainValve/PositionSetpoint", tank.drain_setpoint, 0.0
