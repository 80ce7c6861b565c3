"""A real PostgreSQL server of its own, in a folder of its own, on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from server.config.history_spec import PostgresSpec


@contextmanager
def running_postgres() -> Iterator[PostgresSpec]:
    """How to reach its database; skips where PostgreSQL is not installed. It does not run as root, so root lends it a
    user."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="uatwin-postgres-"))
    as_user = _user() if os.geteuid() == 0 else None
    if as_user:
        os.chown(folder, as_user, -1)
    data = folder / "data"
    try:
        init = [programs / "initdb", "-D", data, "-U", "uatwin", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(init, check=True, capture_output=True, user=as_user, cwd=folder)
        options = ["-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options], stdout=log, stderr=log, user=as_user, cwd=folder
            )
        try:
            spec = PostgresSpec(host=str(folder), database="postgres", user="uatwin")
            _wait_for(spec, folder / "log")
            yield spec
        finally:
            server.terminate()  # "smart" is SIGTERM, and nobody is connected any more
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name), reverse=True)
    return next((one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()), None)


def _user() -> int:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


def _wait_for(spec: PostgresSpec, log: Path) -> None:
    deadline = time.monotonic() + 20.0
    while True:
        try:
            psycopg.connect(host=spec.host, dbname=spec.database, user=spec.user).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return
