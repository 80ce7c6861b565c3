"""`uatwin bench`: runs the benchmarks of a checkout and prints one JSON object a line."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]


def run_benchmarks(name: str | None, quiet: bool) -> int:
    """0 when every benchmark's own check of its work passed, 1 when not, 2 for an unknown name. Each module of the
    folder `benchmarks` that defines `run` is one; its name there uses _ for -."""
    names = _names()
    if not names:
        print("there is no folder `benchmarks` beside the package: benchmarks run in a checkout", file=sys.stderr)
        return 2
    if name is not None and name not in names:
        print(f"no benchmark {name!r}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    sys.path.insert(0, str(ROOT))
    chosen = names if name is None else [name]
    failed = [one for one in chosen if not asyncio.run(_run(one, quiet))]
    return 1 if failed else 0


def _names() -> list[str]:
    """Found by their text, so that one that cannot be imported does not stop the others."""
    files = sorted((ROOT / "benchmarks").glob("*.py"))
    return [file.stem.replace("_", "-") for file in files if "\nasync def run(" in file.read_text(encoding="utf-8")]


def _module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.{name.replace('-', '_')}")


async def _run(name: str, quiet: bool) -> bool:
    if not quiet:
        print(f"{name}: {(_module(name).__doc__ or '').strip().splitlines()[0]}", file=sys.stderr)
    good = True
    async for result in _module(name).run():
        good &= bool(result.pop("good", True))
        print(json.dumps({"bench": name, **result}), flush=True)
    if not good:
        print(f"{name}: its own check of the work failed: values are missing or wrong", file=sys.stderr)
    return good
