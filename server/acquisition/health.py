"""When a silent unit is given up, and how often it is asked after that: a state and its two transitions."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Probing:
    """A unit that timed out `give_up_after` times in a row is only probed: after first_s, doubling up to last_s."""

    give_up_after: int = 3
    first_s: float = 10.0
    last_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Health:
    """How a unit is doing. timeouts: in a row; probe_s: pause before the next probe, 0 while it is polled as usual."""

    timeouts: int = 0
    probe_s: float = 0.0

    @property
    def given_up(self) -> bool:
        """Whether the unit is only probed."""
        return self.probe_s > 0


WELL = Health()


def after_timeout(health: Health, probing: Probing) -> Health:
    """The state after one more request that was not answered."""
    timeouts = health.timeouts + 1
    if health.given_up:
        return Health(timeouts, min(2 * health.probe_s, probing.last_s))
    return Health(timeouts, probing.first_s if timeouts >= probing.give_up_after else 0.0)


def after_reconnect(health: Health, probing: Probing) -> Health:
    """The state on a new connection: what was given up may have come back, so it is probed often again."""
    return replace(health, probe_s=probing.first_s) if health.given_up else WELL
