"""The page on the terminal: its commands are run against the demo and say what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics.catalog import CATALOG
from tests.simulators.demo_run import ANY_PORTS, FREE_ENDPOINT, PASSWORD, Uatwin
from tests.simulators.documents import ROOT, blocks, says, shown_commands
from tests.simulators.terminal import ask, wait_until_all_are_good

PAGE = ROOT / "docs/terminal.md"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the demo that runs can be found by its control socket."""
    folder = tmp_path_factory.mktemp("terminal")
    options = (*FREE_ENDPOINT, *ANY_PORTS, "--pki", str(folder / "pki"))
    with Uatwin(folder, "demo", *options, UATWIN_DEMO_PASSWORD=PASSWORD, XDG_DATA_HOME=str(folder)) as demo:
        assert demo.endpoint
        yield folder


def test_every_command_says_what_is_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    wait_until_all_are_good()
    for shown in shown_commands(PAGE):
        code, said = ask(shown)
        assert says(shown, said), f"{shown.command}\nis shown to say\n{shown.output}\nand says\n{said}"
        refused = any(word in shown.output for word in (": Bad", "no result", "there is no such"))
        assert bool(code) == refused, said


def test_the_walk_through_names_methods_that_are_there() -> None:
    (text,) = blocks(PAGE, "text")
    called = [line.split()[3] for line in text.splitlines() if line.startswith("uatwin call") and "Cooling" not in line]
    assert called
    assert set(called) <= set(CATALOG)
