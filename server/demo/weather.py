"""The weather around the demo plant: a day's course with some wandering."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, exp, pi, sin, sqrt
from random import Random


def wet_bulb(temperature: float, humidity: float) -> float:
    """Wet-bulb temperature in degrees Celsius from dry-bulb and relative humidity in percent (Stull, 2011)."""
    return float(
        temperature * atan(0.151977 * sqrt(humidity + 8.313659))
        + atan(temperature + humidity)
        - atan(humidity - 1.676331)
        + 0.00391838 * humidity**1.5 * atan(0.023101 * humidity)
        - 4.686035
    )


@dataclass
class Weather:
    """Temperatures in degrees Celsius, humidity in percent, wind in m/s, irradiance in W/m2; starts at two o'clock in
    the afternoon."""

    random: Random
    hour: float = 14.0
    temperature: float = 26.0
    humidity: float = 52.0
    wind: float = 3.0
    irradiance: float = 600.0
    _drift: float = 0.0
    _cloud: float = 0.3

    def step(self, dt_s: float) -> None:
        """One step of the day and of the wandering (Ornstein-Uhlenbeck) around it."""
        self.hour = (self.hour + dt_s / 3600.0) % 24.0
        self._drift = self._wander(self._drift, 0.0, 1.0, 1800.0, dt_s)
        self._cloud = min(1.0, max(0.0, self._wander(self._cloud, 0.3, 0.15, 600.0, dt_s)))
        self.wind = max(0.0, self._wander(self.wind, 3.0, 0.8, 30.0, dt_s))
        height = sin((self.hour - 6.0) / 12.0 * pi)
        self.temperature = 21.5 + 5.5 * sin((self.hour - 9.0) / 12.0 * pi) + self._drift
        self.humidity = min(98.0, max(20.0, 62.0 - 3.0 * (self.temperature - 22.0)))
        self.irradiance = max(0.0, height) * 950.0 * (1.0 - 0.7 * self._cloud)

    @property
    def wet_bulb(self) -> float:
        """What a cooling tower can reach at best."""
        return wet_bulb(self.temperature, self.humidity)

    def _wander(self, value: float, mean: float, spread: float, time_s: float, dt_s: float) -> float:
        keep = exp(-dt_s / time_s)
        return mean + (value - mean) * keep + self.random.gauss(0.0, spread * sqrt(1.0 - keep * keep))
