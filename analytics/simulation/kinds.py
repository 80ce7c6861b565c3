"""The kinds of models that a plant file can name."""

from __future__ import annotations

from typing import Final

from analytics.simulation.arithmetic import RATIO, SUM
from analytics.simulation.chillers import CHILLER, CHILLER_DYNAMIC, CHILLER_GORDON_NG
from analytics.simulation.exchangers import HEAT_EXCHANGER, HEAT_EXCHANGER_DYNAMIC
from analytics.simulation.model import MachineModel
from analytics.simulation.motors import MOTOR, MOTOR_TWO_BODY
from analytics.simulation.pumps import FAN, PUMP
from analytics.simulation.rooms import ROOM
from analytics.simulation.tanks import TANK, VOLUME
from analytics.simulation.towers import COOLING_TOWER

FMU: Final = "fmu"
ONNX: Final = "onnx"
_ALL: Final = (
    PUMP, FAN, MOTOR, MOTOR_TWO_BODY, HEAT_EXCHANGER, HEAT_EXCHANGER_DYNAMIC, TANK, VOLUME, ROOM, CHILLER,
    CHILLER_DYNAMIC, CHILLER_GORDON_NG, COOLING_TOWER, SUM, RATIO,
)  # fmt: skip
KINDS: Final[dict[str, MachineModel]] = {model.kind: model for model in _ALL}
