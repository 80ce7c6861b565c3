"""Why an operation was not Good, in words, for clients that ask for it (Part 4, 7.12 and 7.33)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncua import ua

_OPERATION_ADDITIONAL_INFO: Final = 0x80
"""Bit of returnDiagnostics in a RequestHeader."""


@dataclass(slots=True)
class Explained(ua.CallMethodResult):
    """The result of a call. words: what they add to its StatusCode; they are told beside it."""

    words: str = ""


def argument_words(words: Sequence[str]) -> list[ua.DiagnosticInfo]:
    """The InputArgumentDiagnosticInfos of a result: one for each argument, empty where nothing is wrong with it."""
    return [_info(one) for one in words]


def answer_of(results: Sequence[ua.CallMethodResult], return_diagnostics: int) -> ua.CallResponse:
    """The response, with diagnostics where they were asked for."""
    wanted = _wanted(return_diagnostics)
    response = ua.CallResponse()
    response.Results = [one if wanted else _bare(one) for one in results]
    words = [one.words if isinstance(one, Explained) else "" for one in results]
    response.DiagnosticInfos = diagnostics_of(words, return_diagnostics)
    return response


def diagnostics_of(words: Sequence[str], return_diagnostics: int) -> list[ua.DiagnosticInfo]:
    """The DiagnosticInfos of a response: one for each operation; none at all where nobody asks for them or there are no
    words."""
    return [_info(one) for one in words] if _wanted(return_diagnostics) and any(words) else []


def _wanted(return_diagnostics: int) -> bool:
    return bool(return_diagnostics & _OPERATION_ADDITIONAL_INFO)


def _bare(result: ua.CallMethodResult) -> ua.CallMethodResult:
    result.InputArgumentDiagnosticInfos = []
    return result


def _info(words: str) -> ua.DiagnosticInfo:
    return ua.DiagnosticInfo(AdditionalInfo=ua.String(words)) if words else ua.DiagnosticInfo()
