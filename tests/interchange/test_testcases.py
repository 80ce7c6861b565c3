"""Every folder of tests/testcases/import: an input, the options, the plant file made of it and all that is told.

`UATWIN_ACCEPT=1 pytest tests/interchange/test_testcases.py` writes what comes out as what is expected.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.config.check_report import check
from server.interchange.verbs import imports

CASES = Path(__file__).parents[1] / "testcases" / "import"
FOLDERS = sorted(path.parent for path in CASES.glob("*/options"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_input_gives_exactly_this_plant_file_and_these_messages(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "made.yaml"
    result = CliRunner().invoke(imports, [*shlex.split((folder / "options").read_text()), "--out", str(made)])
    told = f"{result.stderr}exit code {result.exit_code}\n"
    if os.environ.get("UATWIN_ACCEPT"):
        (folder / "messages.txt").write_text(told, "utf-8")
        if made.exists():
            shutil.copy(made, folder / "plant.yaml")
    assert told == (folder / "messages.txt").read_text("utf-8")
    assert made.exists() == (folder / "plant.yaml").exists()
    if made.exists():
        assert made.read_text("utf-8") == (folder / "plant.yaml").read_text("utf-8")
        assert check(made, as_json=False) == 0, capsys.readouterr().err


def test_there_are_testcases_enough() -> None:
    assert len(FOLDERS) >= 11
