"""The InputArguments and OutputArguments of methods."""

from __future__ import annotations

from collections.abc import Sequence

from asyncua import ua

from nodesets.units import unit
from server.address_space.method_views import ONE_DIMENSION, SCALAR, Argument, MethodView
from server.config.plant import CommandArgument, CommandMethod, Tag


def argument_lists(method: MethodView | CommandMethod, tags: Sequence[Tag]) -> dict[str, list[ua.Argument]]:
    """By property name; a method without arguments of one direction has no such property. tags: indexed by row."""
    if isinstance(method, CommandMethod):
        inputs = [_of_command(argument, tags[argument.row]) for argument in method.arguments]
        lists = {"InputArguments": inputs}
    else:
        lists = {
            "InputArguments": [_argument(argument) for argument in method.arguments],
            "OutputArguments": [_argument(argument) for argument in method.results],
        }
    return {name: arguments for name, arguments in lists.items() if arguments}


def _of_command(argument: CommandArgument, tag: Tag) -> ua.Argument:
    limits = tag.command.limits if tag.command else None
    allowed = [f"{limits[0]:g} to {limits[1]:g}"] if limits else [", ".join(tag.states)] if tag.states else []
    return _argument(
        Argument(
            argument.name,
            tag.data_type,
            ONE_DIMENSION if tag.array_length else SCALAR,
            "; ".join([*filter(None, [tag.description]), *allowed]),
            tag.unit,
        ),
        tag.array_length,
    )


def _argument(argument: Argument, array_length: int = 0) -> ua.Argument:
    """array_length: 0 for any length."""
    symbol = unit(argument.unit).symbol if argument.unit else ""
    text = f"{argument.description} [{symbol}]".strip() if symbol else argument.description
    return ua.Argument(
        argument.name,
        ua.NodeId(ua.Int32(argument.data_type)),
        ua.Int32(argument.value_rank),
        [ua.UInt32(array_length)] if argument.value_rank == ONE_DIMENSION else [],
        ua.LocalizedText(text),
    )
