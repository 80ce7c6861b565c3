"""What the tests of the plant file share: writing one and loading it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from server.config.load import load_plant
from server.config.plant import Plant

HEAD = """
plant: {name: P}
connections:
  line1: {driver: modbus, host: 192.0.2.1}
"""

Load = Callable[..., Plant]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """load(text, **files): the plant of a file with a Modbus connection line1 and that text; __ in names is a dot."""

    def write_and_load(text: str, **files: str) -> Plant:
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        (tmp_path / "plant.yaml").write_text(HEAD + dedent(text), encoding="utf-8")
        return load_plant(tmp_path / "plant.yaml")

    return write_and_load
