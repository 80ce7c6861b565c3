"""The command `uatwin`, also as `python -m server`: imports it without looking for garbage, which there is none of."""

from __future__ import annotations

import gc


def main() -> None:
    """Entry point of the console script."""
    gc.disable()  # the imports make a quarter of a million objects that stay: a fifth of their time
    from server import cli

    gc.freeze()
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
