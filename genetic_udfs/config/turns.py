"""The turns of a chat, as they are marked in the text of a prompt.

A prompt is one text, so that it is a column, and part of a request's identity, like any other. Where it has turns, each
begins with a mark that templates alone can set: they take the character out of every value that they are given.
"""

from typing import Final, Literal, NamedTuple, cast, get_args

Speaker = Literal["system", "user", "assistant"]
SPEAKERS: Final[tuple[Speaker, ...]] = get_args(Speaker)

MARK: Final = "\x02"
"""Begins a turn, before the speaker and a line break. No white space, which stripping a text would take away."""


class Turn(NamedTuple):
    """Who says what."""

    speaker: Speaker
    text: str


def mark(speaker: str) -> str:
    """Return what begins a turn in the text of a prompt."""
    return f"{MARK}{speaker}\n"


def turns_of(prompt: str) -> list[Turn]:
    """Return the turns of a prompt; one without marks is what a user says.

    Raises:
        ValueError: Something stands before the first turn.
    """
    before, *turns = prompt.split(MARK)
    if not turns:
        return [Turn("user", prompt)]
    if before.strip():
        raise ValueError(f"{before.strip()[:40]!r} stands before the first turn")
    parted = (turn.partition("\n") for turn in turns)
    return [Turn(cast("Speaker", speaker), text.strip()) for speaker, _, text in parted]


def fault_in(turns: list[Turn]) -> str | None:
    """Return what keeps turns from being a chat that every model takes; None for one that is.

    It may begin with a system turn; then user and assistant take turns, the user first. Where the assistant is last,
    its text is the beginning of the answer.
    """
    speakers = [turn.speaker for turn in turns]
    spoken = speakers[1:] if speakers[:1] == ["system"] else speakers
    if not spoken:
        return "has no user's turn"
    for at, speaker in enumerate(spoken):
        if speaker != ("user", "assistant")[at % 2]:
            return f"has the turns {', '.join(speakers)}: after a system turn, user and assistant have to take turns"
    return None
