"""Where a password is: never in the plant file itself."""

from __future__ import annotations

import os
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from drivers.errors import ConnectFailed
from drivers.tls import File

SECRET_ERROR: Final = "secret_place"
"""The type of errors that tell nothing of the password, so that they may be shown."""


class Secret(BaseModel):
    """Where a password is: in an environment variable or alone in a file."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    env: str | None = Field(default=None, min_length=1, description="Environment variable that holds it.")
    file: File | None = Field(default=None, description="File that holds nothing else, relative to the plant file.")

    @property
    def trouble(self) -> str:
        """What is wrong with it; "" where nothing is."""
        if (self.env is None) == (self.file is None):
            return "a password comes from one place: {env: NAME} or {file: path}"
        return ""

    def read(self) -> str:
        """The password itself; raises ConnectFailed where it is not there."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if value is None:
                raise ConnectFailed(f"the password is missing: the environment variable {self.env} is not set")
            return value
        if self.file is None:
            raise ConnectFailed(self.trouble)
        try:
            return self.file.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConnectFailed(f"the password file {self.file} cannot be read ({error})") from error


def _without_trouble(secret: Secret) -> Secret:
    if secret.trouble:
        raise PydanticCustomError(SECRET_ERROR, "{trouble}", {"trouble": secret.trouble})
    return secret


OneSecret = Annotated[Secret, AfterValidator(_without_trouble)]
"""One that is right, for settings that no other rules are for."""
