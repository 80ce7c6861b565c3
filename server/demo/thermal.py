"""The heat side of the demo plant: exchanger, chiller, cooling tower and its tank. kW, kg/s, degrees Celsius."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

from server.demo.machines import Bearing, Motor, RunState, lag, ramp

WATER_KJ = 4.19
"""Heat capacity of water, kJ/(kg K)."""


def saturation_bar(temperature: float) -> float:
    """Absolute pressure of boiling R134a (Clausius-Clapeyron through 0 and 40 degrees Celsius)."""
    return 2.93 * exp(2661.0 * (1.0 / 273.15 - 1.0 / (temperature + 273.15)))


@dataclass
class Exchanger:
    """Counter-flow plate exchanger between the production circuit (hot, constant flow) and chilled water, behind a
    three-way valve. fouling: 0 clean to 1."""

    clean_ua: float = 120.0
    hot_flow: float = 25.0
    hot_mass: float = 6000.0
    hot_in: float = 17.5
    hot_out: float = 12.2
    cold_in: float = 7.0
    cold_out: float = 12.0
    heat: float = 0.0
    fouling: float = 0.0
    valve: float = 80.0
    valve_setpoint: float = 80.0
    filter_clogging: float = 0.0

    def step(self, dt_s: float, load_kw: float, supply: float, flow: float) -> float:
        """Take heat out of the production circuit; returns the temperature of the mixed return."""
        self.valve = ramp(self.valve, self.valve_setpoint, 5.0 * dt_s)
        self.cold_in = supply
        cold = flow * self.valve / 100.0
        self.heat = self._effectiveness(cold) * min(cold, self.hot_flow) * WATER_KJ * (self.hot_in - supply)
        self.hot_out = self.hot_in - self.heat / (self.hot_flow * WATER_KJ)
        self.hot_in += (load_kw - self.heat) / (self.hot_mass * WATER_KJ) * dt_s
        self.hot_in = min(self.hot_in, 60.0)
        self.cold_out = supply + self.heat / (cold * WATER_KJ) if cold > 0.1 else self.hot_in
        return supply + self.heat / (flow * WATER_KJ) if flow > 0.1 else supply

    def _effectiveness(self, cold: float) -> float:
        if cold < 0.1:
            return 0.0
        small, large = min(cold, self.hot_flow), max(cold, self.hot_flow)
        units = self.clean_ua / (1.0 + 2.5 * self.fouling) / (small * WATER_KJ)
        ratio = small / large
        if ratio > 0.999:
            return units / (1.0 + units)
        decay = exp(-units * (1.0 - ratio))
        return (1.0 - decay) / (1.0 - ratio * decay)


@dataclass
class Chiller:
    """A water-cooled screw chiller. capacity: 0 to 1 of rated_kw; leaving: chilled water out; condenser_out: cooling
    water out."""

    rated_kw: float = 900.0
    run: bool = True
    state: RunState = RunState.Stopped
    setpoint: float = 7.0
    limit: float = 100.0
    capacity: float = 0.62
    entering: float = 12.0
    leaving: float = 7.0
    condenser_in: float = 22.9
    condenser_out: float = 28.0
    power: float = 0.0
    cooling: float = 0.0
    discharge: float = 60.0
    hours: float = 0.0
    cause: str = ""
    bearing: Bearing = field(default_factory=lambda: Bearing(wear_per_s=2e-5))
    _low_flow_s: float = 0.0

    @property
    def evaporating(self) -> float:
        """Refrigerant temperature in the evaporator."""
        return self.leaving - 1.0 - 3.5 * self.capacity

    @property
    def condensing(self) -> float:
        """Refrigerant temperature in the condenser."""
        return self.condenser_out + 1.0 + 3.5 * self.capacity

    @property
    def cop(self) -> float:
        """Cooling over electric power; 0 while it does not run."""
        return self.cooling / self.power if self.power > 1.0 else 0.0

    def trip(self, cause: str) -> None:
        """Cut out and stay out until reset."""
        if self.state is not RunState.Tripped:
            self.state, self.cause, self.run = RunState.Tripped, cause, False

    def reset(self) -> None:
        """Acknowledge a trip; it must be started again."""
        if self.state is RunState.Tripped:
            self.state, self.cause = RunState.Stopped, ""

    def step(self, dt_s: float, flow: float, condenser_flow: float, ambient: float) -> None:
        """flow: chilled water, condenser_flow: cooling water, both kg/s."""
        self._protect(dt_s, flow, condenser_flow)
        wanted = flow * WATER_KJ * (self.entering - self.setpoint) / self.rated_kw
        target = min(max(wanted, 0.1), self.limit / 100.0) if self.run else 0.0
        self.capacity = ramp(self.capacity, target, (0.5 if self.state is RunState.Tripped else 0.03) * dt_s)
        self.cooling = self.capacity * self.rated_kw * (1.0 - 0.01 * max(0.0, self.condensing - 35.0))
        carnot = (self.evaporating + 273.15) / max(8.0, self.condensing - self.evaporating)
        self.power = self.cooling / (0.52 * carnot) + (6.0 if self.capacity > 0.0 else 0.3)
        self.leaving += (flow * WATER_KJ * (self.entering - self.leaving) - self.cooling) / (2500 * WATER_KJ) * dt_s
        rejected = self.cooling + (self.power if self.capacity > 0.0 else 0.0)
        passed = condenser_flow * WATER_KJ * (self.condenser_in - self.condenser_out)
        self.condenser_out += (passed + rejected) / (2500 * WATER_KJ) * dt_s
        hot = self.condensing + 18.0 + 8.0 * self.capacity if self.capacity > 0.0 else ambient
        self.discharge = lag(self.discharge, hot, dt_s, 60.0)
        self.bearing.step(dt_s, 0.4 + 0.5 * self.capacity if self.capacity > 0.0 else 0.0, ambient)
        self.hours += dt_s / 3600.0 if self.capacity > 0.0 else 0.0
        self._settle(target)

    def _protect(self, dt_s: float, flow: float, condenser_flow: float) -> None:
        if not self.run:
            self._low_flow_s = 0.0
            return
        self._low_flow_s = self._low_flow_s + dt_s if min(flow, condenser_flow) < 6.0 else 0.0
        if self._low_flow_s > 5.0:
            self.trip("Low water flow")
        if self.leaving < 2.0:
            self.trip("Frost protection")
        if self.condensing > 58.0:
            self.trip("High condensing pressure")

    def _settle(self, target: float) -> None:
        if self.state is RunState.Tripped:
            return
        if self.run:
            near = abs(self.capacity - target) < 0.1
            self.state = RunState.Running if near or self.state is RunState.Running else RunState.Starting
        else:
            self.state = RunState.Stopping if self.capacity > 0.0 else RunState.Stopped


@dataclass
class Tower:
    """An induced-draught cooling tower. fan, fan_setpoint: percent of rated fan speed."""

    fan: float = 60.0
    fan_setpoint: float = 60.0
    outlet: float = 22.0
    heat: float = 0.0
    oil: float = 45.0
    motor: Motor = field(default_factory=lambda: Motor(rated_kw=15.0))
    bearing: Bearing = field(default_factory=lambda: Bearing(wear_per_s=3e-5))

    def step(self, dt_s: float, inlet: float, flow: float, wet_bulb: float, ambient: float) -> None:
        """Cool the water of flow kg/s from inlet towards the wet bulb."""
        self.fan = ramp(self.fan, self.fan_setpoint, 2.0 * dt_s)
        air = max(0.08, self.fan / 100.0)
        water = max(0.1, flow / 32.0)
        effectiveness = 1.0 - exp(-1.1 * air**0.6 / water**0.4)
        self.outlet = inlet - effectiveness * (inlet - wet_bulb)
        self.heat = flow * WATER_KJ * (inlet - self.outlet)
        self.motor.step(dt_s, 15.0 * (self.fan / 100.0) ** 3, ambient)
        self.bearing.step(dt_s, self.fan / 100.0, ambient)
        self.oil = lag(self.oil, ambient + 30.0 * self.fan / 100.0, dt_s, 300.0)


@dataclass
class Tank:
    """The basin under the tower. level in percent of volume_m3; make_up and drain in kg/s, valves in percent."""

    volume_m3: float = 6.0
    level: float = 69.9
    level_setpoint: float = 70.0
    temperature: float = 22.9
    make_up_valve: float = 10.0
    drain_valve: float = 0.0
    drain_setpoint: float = 0.0
    make_up: float = 0.37
    drain: float = 0.0
    conductivity: float = 930.0

    def step(self, dt_s: float, inlet: float, flow: float, evaporated_kg_s: float, mains: float) -> None:
        """Mix in the tower's water and the make-up, lose evaporation and drain; salts stay behind."""
        self.drain_valve = ramp(self.drain_valve, self.drain_setpoint, 20.0 * dt_s)
        wanted = min(100.0, max(0.0, 10.0 + 40.0 * (self.level_setpoint - self.level)))
        self.make_up_valve = ramp(self.make_up_valve, wanted, 10.0 * dt_s)
        self.make_up = 3.0 * self.make_up_valve / 100.0
        self.drain = 10.0 * self.drain_valve / 100.0 * (self.level > 0.5)
        mass = max(60.0, self.volume_m3 * 10.0 * self.level)
        gain = flow * (inlet - self.temperature) + self.make_up * (mains - self.temperature)
        self.temperature += gain / mass * dt_s
        bleed = 0.1  # a constant blow-down keeps the salts at some three times those of the mains
        salts = self.make_up * (300.0 - self.conductivity) + evaporated_kg_s * self.conductivity
        self.conductivity += salts / mass * dt_s
        change = self.make_up - self.drain - bleed - evaporated_kg_s
        self.level = min(100.0, max(0.0, self.level + change / (self.volume_m3 * 10.0) * dt_s))
