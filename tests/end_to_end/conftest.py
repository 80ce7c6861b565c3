from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest

from tests.simulators.demo_run import Uatwin, demo


@pytest.fixture(scope="session", autouse=True)
def _own_data_folder() -> Iterator[None]:
    """Bridges of these tests and those that run beside them do not meet; a Unix socket takes short paths only."""
    with tempfile.TemporaryDirectory(prefix="uatwin-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", folder)
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uatwin]:
    """`uatwin demo`, serving; one for all tests of a file."""
    with demo(tmp_path_factory.mktemp("demo")) as process:
        yield process
