"""A Dask cluster of two worker processes on this computer, in a process of its own: nothing of it is left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ROLES = ("client", "scheduler", "worker")


@contextmanager
def dask_cluster(*tls: str) -> Iterator[str]:
    """The address of its scheduler, once both workers are there; skips where Dask is not installed. tls: files of an
    authority, a certificate that it signed, and its key: then only who has one too is let in."""
    pytest.importorskip("distributed", reason='Dask is not installed: pip install "uatwin[fleet]"')
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulators.dask_cluster", *tls]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith(("tcp://", "tls://")), f"the cluster ended with {process.wait()}"
        yield address
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def main() -> None:
    """Serve until stdin closes."""
    from distributed import LocalCluster, Security

    security = None
    if sys.argv[1:]:
        authority, cert, key = sys.argv[1:]
        pairs = {f"tls_{role}_{what}": file for role in _ROLES for what, file in (("cert", cert), ("key", key))}
        security = Security(require_encryption=True, tls_ca_file=authority, **pairs)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, security=security
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
