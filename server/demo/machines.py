"""Rotating machines of the demo plant: bearings that wear, motors that warm up, pumps that follow the affinity laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import exp, sqrt

RATED_RPM = 3000.0
_GRAVITY_KN = 9.81  # weight of a cubic metre of water


class RunState(IntEnum):
    """What a drive or a chiller is doing."""

    Stopped = 0
    Starting = 1
    Running = 2
    Stopping = 3
    Tripped = 4


def lag(value: float, target: float, dt_s: float, time_constant_s: float) -> float:
    """First-order approach of value to target."""
    return target + (value - target) * exp(-dt_s / time_constant_s)


def ramp(value: float, target: float, step: float) -> float:
    """Move value towards target by at most step."""
    return min(value + step, target) if value < target else max(value - step, target)


@dataclass
class Bearing:
    """A rolling bearing. wear: 0 new to 1 seized; it grows the faster the further it is, as spalling does.

    wear_per_s: rate at rated speed; temperature in degrees Celsius.
    """

    wear_per_s: float
    wear: float = 0.03
    temperature: float = 38.0
    speed: float = 0.0

    def step(self, dt_s: float, speed: float, ambient: float) -> None:
        """speed: fraction of rated speed."""
        self.speed = speed
        self.wear = min(1.0, self.wear + self.wear_per_s * (0.05 + self.wear) * speed**1.5 * dt_s)
        rise = 26.0 * speed + 48.0 * speed * self.wear**1.5
        self.temperature = lag(self.temperature, ambient + rise, dt_s, 90.0)

    @property
    def vibration_rms(self) -> float:
        """Velocity in mm/s: ISO 10816 zone A when new, zone D before it seizes."""
        return float(1.5 * self.speed**1.5 + 9.5 * self.wear**1.8 * self.speed)

    @property
    def vibration_peak(self) -> float:
        """Velocity in mm/s; shocks raise it before the RMS."""
        return self.vibration_rms * (1.5 + 3.5 * min(self.wear * 2.5, 1.0))

    @property
    def kurtosis(self) -> float:
        """3 for the Gaussian noise of a good bearing; rises early, falls again when damage is everywhere."""
        return 3.0 + 22.0 * self.wear * exp(-2.5 * self.wear) if self.speed > 0.05 else 3.0


@dataclass
class Motor:
    """A three-phase induction motor at 400 V. rated_kw: shaft power; temperatures in degrees Celsius."""

    rated_kw: float
    shaft_kw: float = 0.0
    winding: float = 55.0
    blocked_cooling: float = 0.0

    def step(self, dt_s: float, shaft_kw: float, ambient: float) -> None:
        """Losses warm the winding; 80 K above ambient at rated power."""
        self.shaft_kw = shaft_kw
        load = shaft_kw / self.rated_kw
        rise = 80.0 * (0.15 * (load > 0.01) + 0.85 * load**1.6)
        self.winding = lag(self.winding, ambient + rise, dt_s, 180.0)

    @property
    def electric_kw(self) -> float:
        """Power from the supply."""
        return self.shaft_kw / 0.92 + (0.02 * self.rated_kw if self.shaft_kw > 0.01 else 0.0)

    @property
    def current(self) -> float:
        """Amperes per phase."""
        return self.electric_kw * 1000.0 / (sqrt(3.0) * 400.0 * 0.86)


@dataclass
class Pump:
    """A centrifugal pump with a variable-speed drive.

    shutoff_head_m and curve: head = shutoff_head * speed^2 - curve * flow^2 (flow in m3/s); best_flow: m3/s at rated
    speed where the efficiency peaks.
    """

    shutoff_head_m: float
    curve: float
    best_flow: float
    motor: Motor
    drive_end: Bearing
    non_drive_end: Bearing
    rpm: float = 0.0
    setpoint_rpm: float = 1800.0
    run: bool = True
    state: RunState = RunState.Stopped
    flow: float = 0.0
    head: float = 0.0
    hours: float = 0.0
    cavitation: float = 0.0
    cause: str = ""
    tripped_s: float = field(default=0.0)

    @property
    def speed(self) -> float:
        """Fraction of rated speed."""
        return self.rpm / RATED_RPM

    @property
    def available_head(self) -> float:
        """Head at no flow, metres; cavitation takes some of it away."""
        return float(self.shutoff_head_m * self.speed**2 * (1.0 - 0.7 * self.cavitation))

    @property
    def efficiency(self) -> float:
        """Hydraulic over shaft power, 0 to 1; wear rings and cavitation cost some."""
        if self.speed < 0.02 or self.flow <= 0.0:
            return 0.0
        off_best = (self.flow / self.speed - self.best_flow) / self.best_flow
        return max(0.2, 0.78 * (1.0 - 0.6 * off_best**2)) * (1.0 - 0.3 * self.cavitation)

    def trip(self, cause: str) -> None:
        """The drive cuts out and stays so until it is reset."""
        if self.state is not RunState.Tripped:
            self.state, self.cause, self.tripped_s = RunState.Tripped, cause, 0.0

    def reset(self) -> None:
        """Acknowledge a trip; a seized bearing is replaced first."""
        if self.state is RunState.Tripped:
            for bearing in (self.drive_end, self.non_drive_end):
                bearing.wear = 0.03 if bearing.wear >= 1.0 else bearing.wear
            self.state, self.cause, self.tripped_s = RunState.Stopped, "", 0.0

    def drive(self, dt_s: float) -> None:
        """The speed ramp of the drive: 150 rpm a second, a coast-down of 300 after a trip."""
        if self.state is RunState.Tripped:
            self.tripped_s += dt_s
            self.rpm = ramp(self.rpm, 0.0, 300.0 * dt_s)
            return
        target = self.setpoint_rpm if self.run else 0.0
        self.rpm = ramp(self.rpm, target, 150.0 * dt_s)
        if self.rpm == target:
            self.state = RunState.Running if self.rpm > 0.0 else RunState.Stopped
        else:
            self.state = RunState.Starting if self.run else RunState.Stopping

    def turn(self, dt_s: float, head: float, ambient: float) -> None:
        """Work against a header of that head (m) for dt: flow, power, heat, wear."""
        self.head = head
        self.flow = delivered(self, head)
        rated_kw = _GRAVITY_KN * self.best_flow * 0.7 * self.shutoff_head_m / 0.78
        hydraulic_kw = _GRAVITY_KN * self.flow * head
        efficiency = self.efficiency
        shaft_kw = max(hydraulic_kw / efficiency if efficiency else 0.0, 0.3 * rated_kw * self.speed**3)
        self.motor.step(dt_s, shaft_kw, ambient)
        self.drive_end.step(dt_s, self.speed * (1.0 + 0.2 * self.cavitation), ambient)
        self.non_drive_end.step(dt_s, self.speed, ambient)
        self.hours += dt_s / 3600.0 if self.rpm > 0.0 else 0.0
        if self.drive_end.wear >= 1.0 or self.non_drive_end.wear >= 1.0:
            self.trip("Bearing seized")
        if self.motor.winding > 150.0:
            self.trip("Motor overtemperature")


def delivered(pump: Pump, head: float) -> float:
    """Flow (m3/s) of a pump into a header of that head; its check valve lets nothing back."""
    return sqrt(max(0.0, pump.available_head - head) / pump.curve)


def header_head(pumps: Sequence[Pump], resistance: float) -> float:
    """Head (m) at which parallel pumps deliver what the circuit, head = resistance * flow^2, takes."""
    low, high = 0.0, max(pump.available_head for pump in pumps)
    if high <= 0.0:
        return 0.0
    for _ in range(36):
        middle = (low + high) / 2.0
        if sum(delivered(pump, middle) for pump in pumps) > sqrt(middle / resistance):
            low = middle
        else:
            high = middle
    return (low + high) / 2.0
