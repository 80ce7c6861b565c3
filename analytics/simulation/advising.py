"""The functions about proposals: applied, listed and told by the server, and who may apply them."""

from __future__ import annotations

from typing import Final

from analytics.arguments import Context
from analytics.function import ONE_DIMENSION, Access, Argument, ArgumentType, Function

_TEXT: Final = ArgumentType.String
_TEXTS: Final = (_TEXT, ONE_DIMENSION)
_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
_PROPOSAL: Final = Argument("ProposalId", _TEXT, description="One of ListProposals")
_STATE: Final = Argument("State", _TEXT, description="Open, Applied, Refused, Superseded or Expired")


def with_commands(context: Context) -> bool:
    """Every twin with a command below it that feeds a model."""
    return any(use.commands for use in context.machines)


APPLY_PROPOSAL: Final = Function(
    "ApplyProposal",
    "Write what a proposal says to its commands, with all their checks and interlocks. Where one is refused, those "
    "written before it are put back. Not in mode advisory, not twice, and not after the plant has moved on",
    (_PROPOSAL,),
    (
        _STATE,
        Argument("Commands", *_TEXTS, "Those that were written, in the order of writing, as called on this twin"),
        Argument("Before", *_DOUBLES, "Of each, the value before"),
        Argument("Proposed", *_DOUBLES, "Of each, the value that was to be"),
        Argument("Now", *_DOUBLES, "Of each, the value that stands now; NaN where it is not known"),
        Argument("Statuses", *_TEXTS, "Of each, the StatusCode by name"),
        Argument("Reasons", *_TEXTS, "Of each, why it was refused; empty: it was not"),
    ),
    None,
    needs=with_commands,
    access=Access.operate,
)

LIST_PROPOSALS: Final = Function(
    "ListProposals",
    "The proposals of this twin, newest first",
    (Argument("State", _TEXT, description="Only those in this state; empty: all"),),
    (
        Argument("ProposalIds", *_TEXTS, "Of this twin"),
        Argument("States", *_TEXTS, "Of each: Open, Applied, Refused, Superseded or Expired"),
        Argument("Created", ArgumentType.DateTime, ONE_DIMENSION, "When each was made"),
        Argument("Expires", ArgumentType.DateTime, ONE_DIMENSION, "Until when each may be applied"),
        Argument("AskedBy", *_TEXTS, "Who asked for each"),
        Argument("Savings", *_DOUBLES, "What each is to save, in its own unit"),
        Argument("Units", *_TEXTS, "Of each saving; empty: none"),
        Argument("Summaries", *_TEXTS, "Each in a sentence"),
    ),
    None,
    needs=with_commands,
)

GET_PROPOSAL: Final = Function(
    "GetProposal",
    "All that is known of a proposal",
    (_PROPOSAL,),
    (
        _STATE,
        Argument("Created", ArgumentType.DateTime, description="When it was made"),
        Argument("Expires", ArgumentType.DateTime, description="Until when it may be applied"),
        Argument("AskedBy", _TEXT, description="Who asked for it"),
        Argument("Ended", ArgumentType.DateTime, description="When it was applied, refused, superseded or expired"),
        Argument("EndedBy", _TEXT, description="Who applied it, or tried to"),
        Argument("Names", *_TEXTS, "What is to be changed, as called on this twin"),
        Argument("Commands", *_TEXTS, "Paths of the commands that do; empty for what none sets"),
        Argument("Units", *_TEXTS, "UNECE common code of each; empty: none"),
        Argument("Current", *_DOUBLES, "Of each, the value that the proposal began from"),
        Argument("Proposed", *_DOUBLES, "Of each, the value proposed"),
        Argument("Saving", ArgumentType.Double, description="What it is to save, in SavingUnit"),
        Argument("SavingLow", ArgumentType.Double, description="Lower end of its 95 % interval"),
        Argument("SavingHigh", ArgumentType.Double, description="Upper end of its 95 % interval"),
        Argument("SavingUnit", _TEXT, description="UNECE common code; empty: none"),
        Argument("SavingPercent", ArgumentType.Double, description="Of what it is now", unit="P1"),
        Argument("Binding", *_TEXTS, "What keeps it from saving more"),
    ),
    None,
    needs=with_commands,
)

SET_OPTIMIZATION_MODE: Final = Function(
    "SetOptimizationMode",
    "Say who applies proposals. advisory: nobody; supervised: operators; autonomous: the server itself, within the "
    "limits of the plant file, which only engineers may set",
    (Argument("Mode", _TEXT, description="advisory, supervised or autonomous"),),
    (Argument("ModeBefore", _TEXT, description="The one it was in"),),
    None,
    needs=with_commands,
    access=Access.operate,
)

GET_OPTIMIZATION: Final = Function(
    "GetOptimization",
    "How the setpoints of this twin are optimised: mode, what is to be reached, and what the server itself may do",
    (),
    (
        Argument("Mode", _TEXT, description="advisory, supervised or autonomous"),
        Argument("ModeReason", _TEXT, description="Why it is in this mode, and what holds it up"),
        Argument("ModeSince", ArgumentType.DateTime, description="Since when; null: as the plant file says"),
        Argument("Objective", _TEXT, description="What is to be reached; empty: the least electric energy"),
        Argument("Variables", *_TEXTS, "What may be changed; empty: all commands that feed models"),
        Argument("Constraints", *_TEXTS, "What must hold"),
        Argument("Horizon", ArgumentType.Double, description="0: at the steady state", unit="SEC"),
        Argument("Every", ArgumentType.Double, description="How often the server itself asks; 0: never", unit="SEC"),
        Argument("LimitedCommands", *_TEXTS, "Commands that the server itself may set"),
        Argument("Low", *_DOUBLES, "Of each, the lowest value"),
        Argument("High", *_DOUBLES, "Of each, the highest value"),
        Argument("Step", *_DOUBLES, "Of each, the largest change at once"),
        Argument("LastProposal", _TEXT, description="Id of the latest proposal; empty: none"),
        Argument(
            "CountedSince", ArgumentType.DateTime, description="Since when the saving is counted; null: it is not"
        ),
        Argument("CountedReason", _TEXT, description="Why the saving is not known now; empty: it is"),
    ),
    None,
    needs=with_commands,
)

ADVISING: Final = (APPLY_PROPOSAL, LIST_PROPOSALS, GET_PROPOSAL, SET_OPTIMIZATION_MODE, GET_OPTIMIZATION)
