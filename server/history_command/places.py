"""Which history is meant: that of a plant file, or of the one bridge that runs on this computer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.config.history import HistorySettings
from server.config.load import PlantFileError, load_plant
from server.config.plant import Plant
from server.control import Answer, NotRunning, ask, running_plants
from server.history.kept import kept_of
from server.runner import data_folder


class NoHistory(Exception):
    """There is no history to work on; the message is for people."""


@dataclass(frozen=True, slots=True)
class Place:
    """settings: where the history is. file: of the embedded store. running: whether its bridge runs here."""

    plant: Plant
    settings: HistorySettings
    file: Path
    running: bool


def find(plant_file: Path | None) -> Place:
    """The history of a plant file, or without one that of the bridge that runs. Raises NoHistory."""
    folder: Path | None = None
    if plant_file is None:
        told = asking(_only_one(), {"do": "history"})[0]
        plant_file, folder = Path(told["plant_file"]), Path(told["folder"])
    try:
        plant = load_plant(plant_file)
    except PlantFileError as error:
        raise NoHistory(str(error)) from error
    running = True
    if folder is None:
        folder = data_folder(plant) / "history"
        try:
            folder = Path(asking(plant.name, {"do": "history"})[0]["folder"])
        except NoHistory:
            running = False
    kept = kept_of(plant, folder)
    if kept.settings is None:
        raise NoHistory(f"{plant_file}: it keeps no values; give it a section history: {{}}")
    return Place(plant, kept.settings, kept.file, running)


def asking(plant: str, request: dict[str, Any]) -> list[Answer]:
    """What the bridge of a plant answers. Raises NoHistory."""
    answers: list[Answer] = []
    try:
        asyncio.run(ask(plant, request, answers.append))
    except (NotRunning, OSError) as error:
        raise NoHistory(str(error)) from error
    if not answers or "error" in answers[0]:
        raise NoHistory(str(answers[0]["error"]) if answers else f"the bridge of plant {plant} does not answer")
    return answers


def _only_one() -> str:
    names = running_plants()
    if len(names) == 1:
        return names[0]
    if not names:
        raise NoHistory("no bridge runs here; say which plant is meant: uatwin history ... PLANT.yaml")
    raise NoHistory(f"several bridges run here ({', '.join(names)}); say which plant is meant: PLANT.yaml")
