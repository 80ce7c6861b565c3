"""How long something took on a computer that is busy with other work too."""

from __future__ import annotations

import os
import time
from pathlib import Path


class Stopwatch:
    """Runs from when it is made. Times in which the main thread of this process was ready to go on and got no processor
    are left out where the system counts them (Linux: /proc/self/schedstat); everything that was waited for counts."""

    def __init__(self) -> None:
        self._began, self._queued = time.monotonic(), queued_s()

    @property
    def seconds(self) -> float:
        """Up to now."""
        return time.monotonic() - self._began - (queued_s() - self._queued)


def queued_s() -> float:
    """For how long the main thread of this process has waited for a processor since it began; 0 where nobody counts."""
    try:
        return int(Path(f"/proc/{os.getpid()}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0
