"""The commands that a page shows for the terminal, run here against the bridge of the demo."""

from __future__ import annotations

import shlex
import time

from typer.testing import CliRunner

from server.cli import app
from tests.simulators.demo_run import PASSWORD
from tests.simulators.documents import Shown

_READY_S = 40.0


def ask(shown: Shown) -> tuple[int, str]:
    """Exit code, and what it said."""
    environment = {"COLUMNS": "110", "UATWIN_PASSWORD": PASSWORD}
    result = CliRunner().invoke(app, shlex.split(shown.command)[1:], env=environment)
    return result.exit_code, result.output


def wait_until_all_are_good() -> None:
    """Until every device has told all it has."""
    end = time.monotonic() + _READY_S
    while " 0  Good" not in (said := ask(Shown("uatwin read Cooling/BadTags", ""))[1]):
        assert time.monotonic() < end, said
        time.sleep(0.2)
