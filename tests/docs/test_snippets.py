"""README and guides: their plants load, their commands run and say what is shown, their links lead somewhere."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.cli import app
from server.config.load import load_plant
from tests.simulators.documents import ROOT, Shown, blocks, named_blocks, run, says, shown_commands

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*DOCUMENTS, *sorted((ROOT / "docs/decisions").glob("*.md")), *sorted((ROOT / "drivers").glob("*/README.md"))]
EXECUTED = tuple(ROOT / f"docs/{name}.md" for name in ("adding-a-driver", "terminal", "loop"))
"""Have tests of their own: they need a driver, or the running demo."""
WITH_COMMANDS = [page for page in DOCUMENTS if page not in EXECUTED and shown_commands(page)]
WITH_PLANTS = [page for page in DOCUMENTS if page.name not in ("adding-a-driver.md", "plant-file.md", "simulation.md")]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A checkout's examples and the files that a document shows; devices nowhere but on this computer. Its path is
    short enough for a line of the screen."""
    with tempfile.TemporaryDirectory(prefix="u") as name:
        yield _fill(Path(name), request.param)


def _fill(folder: Path, page: Path) -> Path:
    shutil.copytree(ROOT / "examples", folder / "examples")
    for name, text in named_blocks(page, "yaml"):
        (folder / name).write_text(re.sub(r"192\.168\.\d+\.\d+", "127.0.0.1", text), "utf-8")
    for text in blocks(page, "csv")[:1]:
        (folder / "past.csv").write_text(text, "utf-8")
    if (folder / "plant.yaml").exists():
        wrong = (folder / "plant.yaml").read_text("utf-8").replace("RPM", "RPN", 1).replace("scope: a", "scop: a", 1)
        (folder / "wrong.yaml").write_text(wrong, "utf-8")
    return folder


@pytest.mark.parametrize("page", WITH_PLANTS, ids=_name)
def test_every_plant_shown_loads(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(page, "yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text, "utf-8")
        assert load_plant(file).tags


@pytest.mark.parametrize(("page", "folder"), [(page, page) for page in WITH_COMMANDS], indirect=["folder"])
def test_every_command_shown_says_what_is_shown(page: Path, folder: Path) -> None:
    for shown in shown_commands(page):
        code, said = run(shown, folder)
        assert says(shown, said), f"{shown.command}\nis shown to say\n{shown.output}\nand says\n{said}"
        assert code == (2 if "wrong" in shown.command else 0), said


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    for target in (target for target in targets if "://" not in target):
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        assert path.exists(), f"{_name(page)} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings], target


@pytest.mark.parametrize("page", DOCUMENTS, ids=_name)
def test_no_page_names_a_command_that_is_not_there(page: Path) -> None:
    offered = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback is not None}
    groups = {str(one.name) for one in app.registered_groups}
    assert set(re.findall(r"`(?:\.venv/bin/)?uatwin ([a-z]+)", page.read_text("utf-8"))) <= offered | groups


def test_a_shown_output_is_compared_line_by_line() -> None:
    said = "Plant A at x\n\n1 twin\n2 tags\n"
    assert says(Shown("uatwin check a.yaml", "Plant A at ...\n...\n2 tags\n"), said)
    assert not says(Shown("uatwin check a.yaml", "Plant A at ...\n...\n3 tags\n"), said)
    assert not says(Shown("uatwin check a.yaml", "Plant A at x\n1 twin\n"), said)
    assert says(Shown("uatwin run a.yaml", "port 4840 ...\n"), "port 51234          \n")
