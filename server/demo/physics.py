"""The cooling plant as a whole: its machines put together, stepped in time, with its commands and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from server.demo.faults import GROWTH_S, Fault
from server.demo.machines import Bearing, Motor, Pump, RunState, header_head, lag
from server.demo.thermal import Chiller, Exchanger, Tank, Tower
from server.demo.weather import Weather

STEP_S = 0.5
"""Longest step the equations are stable and exact enough with."""
PRODUCTION_KW = 800.0
_LATENT_KJ = 2450.0
_REPAIR_S = 120.0
_PRIMARY_RESISTANCE = 19260.0
_SECONDARY_RESISTANCE = 17400.0


class OutOfRange(ValueError):
    """A command value the device does not take."""


class NotNow(ValueError):
    """A command the device refuses in its present state."""


class CoolingPlant:
    """Production heat -> exchanger -> chilled water (Pump1, Pump2, Chiller) -> cooling water (Pump3, Tower, Tank).

    Starts in steady state. `step` moves it; `command` is what its devices do with a written value. Same seed, same
    steps, same plant. now_s: simulated seconds since the start.
    """

    def __init__(self, seed: int = 1) -> None:
        self.random = Random(seed)
        self.now_s = 0.0
        self.load_percent = 70.0
        self.weather = Weather(self.random)
        life = self.random.uniform(0.85, 1.15)
        self.pump1 = _primary_pump(Bearing(wear_per_s=0.004 / life))
        self.pump2 = _primary_pump(Bearing(wear_per_s=4e-5))
        self.pump3 = Pump(60.0, 8390.0, 0.048, Motor(22.0), Bearing(wear_per_s=5e-5), Bearing(wear_per_s=3e-5))
        self.pump3.setpoint_rpm = self.pump3.rpm = 2000.0
        self.pumps = {"Pump1": self.pump1, "Pump2": self.pump2, "Pump3": self.pump3}
        self.chiller, self.exchanger, self.tower, self.tank = Chiller(), Exchanger(), Tower(), Tank()
        self.supply, self.return_ = 7.0, 12.0
        self.faults: set[Fault] = set()
        self.fault_command = Fault.NoFault
        self.energy_kwh = {"Main": 184_230.0, "Primary": 139_870.0, "Secondary": 31_450.0}
        self._commands = self._command_table()
        self._settle()

    @property
    def flow(self) -> float:
        """Chilled water, m3/s."""
        return self.pump1.flow + self.pump2.flow

    @property
    def load_kw(self) -> float:
        """Heat that production puts out."""
        return PRODUCTION_KW * self.load_percent / 100.0

    @property
    def primary_kw(self) -> float:
        """Electric power of the primary loop."""
        return self.pump1.motor.electric_kw + self.pump2.motor.electric_kw + self.chiller.power

    @property
    def secondary_kw(self) -> float:
        """Electric power of the secondary loop."""
        return self.pump3.motor.electric_kw + self.tower.motor.electric_kw

    @property
    def total_kw(self) -> float:
        """Electric power of the plant with 4 kW for controls and light."""
        return self.primary_kw + self.secondary_kw + 4.0

    def step(self, dt_s: float) -> None:
        """Move by dt simulated seconds, in steps of at most STEP_S."""
        count = max(1, round(dt_s / STEP_S + 0.499))
        for _ in range(count):
            self._step(dt_s / count)

    def command(self, path: str, value: float) -> None:
        """What the device behind a command does with a value; raises OutOfRange, NotNow, or KeyError for no such
        command."""
        self._commands[path](value)

    def commands(self) -> frozenset[str]:
        """The paths `command` takes."""
        return frozenset(self._commands)

    def _step(self, dt_s: float) -> None:
        self.now_s += dt_s
        self.weather.step(dt_s)
        self._grow_faults(dt_s)
        self._move_water(dt_s)
        self._move_heat(dt_s)
        for name, power in (("Main", self.total_kw), ("Primary", self.primary_kw), ("Secondary", self.secondary_kw)):
            self.energy_kwh[name] += power * dt_s / 3600.0

    def _move_water(self, dt_s: float) -> None:
        room = self.weather.temperature + 2.0
        dry = max(0.0, 1.0 - self.tank.level / 10.0)
        self.pump3.cavitation = lag(self.pump3.cavitation, dry, dt_s, 3.0)
        if self.tank.level < 4.0 and self.pump3.rpm > 0.0:
            self.pump3.trip("Dry running")
        for pump in self.pumps.values():
            pump.drive(dt_s)
        clogged = 1.0 + 6.0 * self.exchanger.filter_clogging
        primary = header_head((self.pump1, self.pump2), _PRIMARY_RESISTANCE * clogged)
        self.pump1.turn(dt_s, primary, room)
        self.pump2.turn(dt_s, primary, room)
        self.pump3.turn(dt_s, header_head((self.pump3,), _SECONDARY_RESISTANCE), room)
        for pump in self.pumps.values():
            if pump.cause == "Bearing seized" and pump.tripped_s > _REPAIR_S:
                pump.reset()  # the maintenance crew has put a new one in

    def _move_heat(self, dt_s: float) -> None:
        flow, cooling_flow = self.flow * 1000.0, self.pump3.flow * 1000.0
        room = self.weather.temperature + 2.0
        self.supply += flow * (self.chiller.leaving - self.supply) / 3000.0 * dt_s
        mixed = self.exchanger.step(dt_s, self.load_kw, self.supply, flow)
        self.return_ += flow * (mixed - self.return_) / 3000.0 * dt_s
        self.chiller.entering, self.chiller.condenser_in = self.return_, self.tank.temperature
        self.chiller.step(dt_s, flow, cooling_flow, room)
        self.tower.step(dt_s, self.chiller.condenser_out, cooling_flow, self.weather.wet_bulb, self.weather.temperature)
        evaporated = max(0.0, self.tower.heat) / _LATENT_KJ
        self.tank.step(dt_s, self.tower.outlet, cooling_flow, evaporated, 14.0)

    def _grow_faults(self, dt_s: float) -> None:
        """Fouling and clogging grow towards their end and vanish quickly once cleared, as after a cleaning."""
        for fault, name in ((Fault.FouledExchanger, "fouling"), (Fault.BlockedFilter, "filter_clogging")):
            active = fault in self.faults
            value = lag(getattr(self.exchanger, name), float(active), dt_s, GROWTH_S if active else 5.0)
            setattr(self.exchanger, name, value)

    def inject(self, value: float) -> None:
        """Start a fault by its number; 0 ends all and repairs what they did."""
        if not 0 <= value <= max(Fault) or value != int(value):
            raise OutOfRange(f"there is no fault {value:g}; 0 to {int(max(Fault))} exist")
        fault = self.fault_command = Fault(int(value))
        if fault is Fault.NoFault:
            if Fault.BearingDamage in self.faults:
                self._replace_bearing(self.pump2)
            self.faults.clear()
            return
        self.faults.add(fault)
        if fault is Fault.BearingDamage:
            self.pump2.drive_end.wear, self.pump2.drive_end.wear_per_s = 0.25, 0.012
        if fault is Fault.ChillerTrip:
            self.chiller.trip("High condensing pressure")

    @staticmethod
    def _replace_bearing(pump: Pump) -> None:
        pump.drive_end.wear, pump.drive_end.wear_per_s = 0.03, 4e-5
        pump.reset()

    def _command_table(self) -> Mapping[str, Callable[[float], None]]:
        primary, secondary = "PrimaryLoop", "SecondaryLoop"
        table: dict[str, Callable[[float], None]] = {
            "ProductionLoad": self._setter(self, "load_percent", 0.0, 100.0),
            "InjectFault": self.inject,
            f"{primary}/Chiller/TemperatureSetpoint": self._setter(self.chiller, "setpoint", 4.0, 15.0),
            f"{primary}/Chiller/CapacityLimit": self._setter(self.chiller, "limit", 20.0, 100.0),
            f"{primary}/Chiller/StartRequest": self._start_chiller,
            f"{primary}/Chiller/StopRequest": self._stop_chiller,
            f"{primary}/Chiller/Reset": self._reset_chiller,
            f"{primary}/HeatExchanger/ControlValve/PositionSetpoint": self._setter(
                self.exchanger, "valve_setpoint", 0.0, 100.0
            ),
            f"{secondary}/CoolingTower/FanSpeedSetpoint": self._setter(self.tower, "fan_setpoint", 0.0, 100.0),
            f"{secondary}/Tank/LevelSetpoint": self._setter(self.tank, "level_setpoint", 10.0, 95.0),
            f"{secondary}/Tank/DrainValve/PositionSetpoint": self._setter(self.tank, "drain_setpoint", 0.0, 100.0),
        }
        for name, pump in self.pumps.items():
            path = f"{secondary if name == 'Pump3' else primary}/{name}"
            table[f"{path}/SpeedSetpoint"] = self._setter(pump, "setpoint_rpm", 0.0, 3000.0)
            table[f"{path}/Run"] = self._run_pump(pump)
            table[f"{path}/Reset"] = lambda value, pump=pump: pump.reset() if value else None  # type: ignore[misc]
        return table

    @staticmethod
    def _setter(owner: object, name: str, low: float, high: float) -> Callable[[float], None]:
        def set_value(value: float) -> None:
            if not low <= value <= high:
                raise OutOfRange(f"{value:g} is outside {low:g} to {high:g}")
            setattr(owner, name, float(value))

        return set_value

    @staticmethod
    def _run_pump(pump: Pump) -> Callable[[float], None]:
        def run(value: float) -> None:
            if value and pump.state is RunState.Tripped:
                raise NotNow(f"the drive has tripped ({pump.cause}); reset it first")
            pump.run = bool(value)

        return run

    def _start_chiller(self, value: float) -> None:
        if not value:
            return
        if self.chiller.state is RunState.Tripped:
            raise NotNow(f"the chiller has tripped ({self.chiller.cause}); reset it first")
        if self.flow * 1000.0 < 6.0:
            raise NotNow("no chilled water flow")
        self.chiller.run = True

    def _stop_chiller(self, value: float) -> None:
        if value:
            self.chiller.run = False

    def _reset_chiller(self, value: float) -> None:
        if value:
            self.chiller.reset()
            self.faults.discard(Fault.ChillerTrip)

    def _settle(self) -> None:
        """Run in for 25 simulated minutes with the bearings left as they are, so that the start is a steady state."""
        self.chiller.state = RunState.Running
        self.pump1.rpm = self.pump2.rpm = 1800.0
        wear = [(bearing, bearing.wear_per_s) for pump in self.pumps.values() for bearing in _bearings(pump)]
        for bearing, _ in wear:
            bearing.wear_per_s = 0.0
        hour, energy = self.weather.hour, dict(self.energy_kwh)
        for _ in range(1500):
            self._step(1.0)
            self.weather.hour = hour
        for bearing, rate in wear:
            bearing.wear_per_s = rate
        self.now_s, self.energy_kwh = 0.0, energy
        for hours, pump in zip((18_240.0, 17_905.0, 9_410.0), self.pumps.values(), strict=True):
            pump.hours = hours
        self.chiller.hours = 21_330.0


def _primary_pump(drive_end: Bearing) -> Pump:
    return Pump(52.0, 28400.0, 0.0222, Motor(15.0), drive_end, Bearing(wear_per_s=4e-5))


def _bearings(pump: Pump) -> tuple[Bearing, Bearing]:
    return pump.drive_end, pump.non_drive_end
