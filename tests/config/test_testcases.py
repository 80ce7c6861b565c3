"""Every folder of tests/testcases/plant_file: a plant file and all the errors it must give, in order.

*** in an expected line stands for words that belong to a driver.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.config.load import PlantFileError, load_plant

CASES = Path(__file__).parents[1] / "testcases" / "plant_file"
FOLDERS = sorted(path.parent for path in CASES.glob("*/expected.txt"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_wrong_plant_file_gives_exactly_these_errors(folder: Path) -> None:
    with pytest.raises(PlantFileError) as raised:
        load_plant(folder / "plant.yaml")
    said = [str(error).replace(f"{folder}/", "") for error in raised.value.errors]
    expected = (folder / "expected.txt").read_text("utf-8").splitlines()
    patterns = [re.escape(line).replace(re.escape("***"), ".*") for line in expected]
    assert len(said) == len(expected), said
    assert [line for line, pattern in zip(said, patterns, strict=True) if not re.fullmatch(pattern, line)] == []


def test_there_are_testcases_enough() -> None:
    assert len(FOLDERS) >= 35
