"""How a command ends: its exit code, and in words what went wrong."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final

from asyncua import ua

from server.call_command.arguments import WrongArguments
from server.call_command.asking import Halted, Refused
from server.call_command.connecting import NotConnected
from server.call_command.finding import NotThere

FAILED: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 130


def run(work: Coroutine[Any, Any, int]) -> int:
    """The exit code; what went wrong is told on stderr."""
    try:
        return asyncio.run(work)
    except (NotThere, WrongArguments) as error:
        return _failed(str(error), WRONG_INPUT)
    except (NotConnected, Refused) as error:
        return _failed(str(error), FAILED)
    except Halted as halted:
        return _failed(str(halted), INTERRUPTED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (OSError, TimeoutError, ua.UaError) as error:
        return _failed(f"the bridge was lost: {error or type(error).__name__}", FAILED)


def _failed(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
