"""A Dask cluster of two worker processes on this computer, in a process of its own: nothing of it is left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@contextmanager
def dask_cluster(workers: int = 2) -> Iterator[str]:
    """The address of its scheduler, once the workers are there; skips where Dask is not installed."""
    pytest.importorskip("distributed", reason='Dask is not installed: pip install "uatwin[fleet]"')
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulators.dask_cluster", str(workers)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("tcp://"), f"the cluster ended with {process.wait()}"
        yield address
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def main() -> None:
    """Serve until stdin closes."""
    from distributed import LocalCluster

    workers = int(sys.argv[1])
    with LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
