"""`uatwin reload` and `uatwin trace`: ask the bridge that runs on this computer, and print what it says."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from server.config.load import PlantFileError, load_plant
from server.control import Answer, NotRunning, Tell, ask, running_plants

FAILED: Final = 1
WRONG_INPUT: Final = 2
_PRINTABLE: Final = range(32, 127)


def reload_plant(file: Path) -> int:
    """Check a plant file and let its running bridge take it over; returns the exit code."""
    try:
        name = load_plant(file).name
    except PlantFileError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    codes: list[int] = []

    def tell(answer: Answer) -> None:
        if "refused" in answer:
            print(answer["refused"], file=sys.stderr)
            codes.append(WRONG_INPUT)
            return
        print(f"{name}: {answer['done_with']}")

    return _run(name, {"do": "reload"}, tell) or max(codes, default=0)


def trace(connection: str, plant: str | None, seconds: float | None) -> int:
    """Print the frames of a connection until Ctrl-C, or for so many seconds; returns the exit code."""
    names = running_plants()
    if plant is None and len(names) != 1:
        what = (
            "no bridge runs here" if not names else f"several bridges run here: {', '.join(names)}; choose by --plant"
        )
        print(what, file=sys.stderr)
        return WRONG_INPUT
    codes: list[int] = []

    def tell(answer: Answer) -> None:
        if "error" in answer:
            print(answer["error"], file=sys.stderr)
            codes.append(WRONG_INPUT)
            return
        frame = bytes.fromhex(answer["frame"])
        arrow = "->" if answer["way"] == "sent" else "<-"
        text = "".join(chr(byte) if byte in _PRINTABLE else "." for byte in frame)
        print(f"{answer['time'][11:23]} {arrow} {len(frame):4} {frame.hex(' ')}  {text}", flush=True)

    return _run(plant or names[0], {"do": "trace", "connection": connection}, tell, seconds) or max(codes, default=0)


def _run(plant: str, request: dict[str, str], tell: Tell, seconds: float | None = None) -> int:
    async def asked() -> None:
        try:
            async with asyncio.timeout(seconds):
                await ask(plant, request, tell)
        except TimeoutError:
            return

    try:
        asyncio.run(asked())
    except NotRunning as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 0
    return 0
