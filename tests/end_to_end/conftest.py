from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators.demo_run import Uatwin, demo


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uatwin]:
    """`uatwin demo`, serving; one for all tests of a file."""
    with demo(tmp_path_factory.mktemp("demo")) as process:
        yield process
