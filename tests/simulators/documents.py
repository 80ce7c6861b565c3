"""What stands in the documentation: its blocks, the commands it shows, and whether they still say what it says."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FREE_ENDPOINT = ("--endpoint", "opc.tcp://127.0.0.1:0/uatwin")
QUICKLY = {
    "run": (*FREE_ENDPOINT, "--seconds", "0.2"),
    "demo": (*FREE_ENDPOINT, "--seconds", "0.2", "--modbus-port", "0", "--mqtt-port", "0", "--coap-port", "0"),
}
"""What is added to commands that would serve for ever at a fixed port."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as the documentation shows it, and the output it claims; "..." stands for anything."""

    command: str
    output: str

    @property
    def serves(self) -> bool:
        """Whether it starts a server; its output then has ports and numbers that differ each time."""
        return self.command.split()[1] in QUICKLY


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def printed(document: Path) -> tuple[str, str]:
    """What the one Python example of a page prints, and what its one text block says that it prints."""
    (code,), (shown,) = blocks(document, "python"), blocks(document, "text")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, str(document), "exec"), {})
    return said.getvalue(), shown


def named_blocks(document: Path, language: str) -> Iterator[tuple[str, str]]:
    """File name and text of the blocks whose first line names a file (`# plant.yaml`)."""
    for text in blocks(document, language):
        if named := re.match(r"# ([\w./-]+\.\w+)\n", text):
            yield named[1], text


def shown_commands(document: Path) -> list[Shown]:
    """The `uatwin` commands of all console blocks, in order."""
    found = []
    for text in blocks(document, "console"):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            if command.startswith("uatwin"):
                found.append(Shown(command, output))
    return found


def run(shown: Shown, folder: Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command as a user would, in a folder; its exit code, and what it printed on stdout and stderr."""
    program, *arguments = shlex.split(shown.command)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "COLUMNS": "110", "UATWIN_PASSWORD": "lock and key"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments, *QUICKLY.get(arguments[0], ())],
        cwd=folder,
        env={**os.environ, **home, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout


def says(shown: Shown, said: str) -> bool:
    """Whether a command said what is shown of it."""
    claimed, really = (_comparable(text, shown.serves) for text in (shown.output, said))
    lines = [r"(?:.*\n)*?" if line == "..." else _pattern(line) for line in claimed.splitlines()]
    return re.match("".join(lines), really) is not None


def _pattern(line: str) -> str:
    start, *rest = (re.escape(part) for part in line.removesuffix(" ...").split("..."))
    return ".*".join([start, *rest]) + (r"(?: .*)?\n" if line.endswith(" ...") else r"\n")


def _comparable(text: str, serves: bool) -> str:
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\d+", "#", text) if serves else text
