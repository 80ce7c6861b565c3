"""A unit in the plant file: a UNECE common code, or a message with the nearest ones."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from nodesets.units import nearest, unit


def _known_unit(code: str) -> str:
    try:
        unit(code)
    except KeyError:
        near = [f"{found} ({unit(found).symbol}, {unit(found).name})" for found in nearest(code)]
        cure = f"; did you mean {' or '.join(near)}?" if near else "; the codes are those of UNECE Recommendation 20"
        about = {"code": code, "cure": cure}
        raise PydanticCustomError("unit", "{code} is not a UNECE common code{cure}", about) from None
    return code


Unit = Annotated[str, AfterValidator(_known_unit)]
