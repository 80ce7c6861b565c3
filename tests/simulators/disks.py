"""A disk of a few megabytes that can be full: a file system in memory where we may mount one, else a limit of sizes."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class SmallDisk:
    """folder: where it is. It starts with some ballast, which gives room when it is thrown out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        self._ballast.write_bytes(bytes(1_500_000))

    def fill_up(self) -> None:
        """Leave no room at all."""
        with (self.folder / "more").open("ab", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def make_room(self) -> None:
        """Throw out the ballast."""
        self._ballast.unlink()
        (self.folder / "more").unlink(missing_ok=True)


class _Limited(SmallDisk):
    """Files of this process cannot grow; what would not fit is refused by the operating system."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, self._before[1]))

    def fill_up(self) -> None:
        """It is full."""

    def make_room(self) -> None:
        """Lift the limit."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def small_disk(tmp_path: Path, megabytes: int = 3) -> Iterator[SmallDisk]:
    """A disk of that size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(options, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    disk = SmallDisk(folder) if mounted else _Limited(folder, megabytes * 1_000_000)
    try:
        yield disk
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        else:
            disk.make_room()
