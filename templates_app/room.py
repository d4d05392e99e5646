"""How much one text may write: in, what each turn of a section adds; out, nothing, or the error once it is too much.

Pure. Lists within lists multiply: a payload of 64 KiB could keep a worker busy for hours, and fill its memory.
"""

from templates_app.tags import TemplateError

# What no real message comes near: pieces are the tags, and the texts between them, of every turn of every section.
MOST_PIECES = 100_000
MOST_CHARACTERS = 5_000_000


class Room:
    """The room of one text."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._pieces = 0
        self._characters = 0
        self._read_to = 0

    def take(self, section: str, pieces: int, written: list[str]) -> None:
        """One more turn of a section. Raises TemplateError (code `too_much`) that names it."""
        self._pieces += pieces + 1
        # Each piece is measured once.
        self._characters += sum(map(len, written[self._read_to :]))
        self._read_to = len(written)
        if self._pieces > MOST_PIECES or self._characters > MOST_CHARACTERS:
            raise TemplateError(
                "too_much",
                f"The section “{section}” is written too often: {MOST_PIECES} pieces or {MOST_CHARACTERS} characters"
                " at most. Shorten its list, or take it out of the other list.",
                self._part,
                section=section,
            )
