r"""A `./configure` line, as it was typed: Qmail-Scanner's or simscan's.

    ./configure --qs-user qmailq \
        --sa-subject "SPAM *** " --sa-delta=0.5 [ --install ]

Words are the shell's (`shlex`), `--option value` and `--option=value` mean the same, and the
brackets that the page puts around what one may leave out are passed over. The page also shows such
lines folded into one, with the backslashes left in: these are read as the ends of lines they were.
What an option means is in `option_tables` and `simscan`.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

# The longest known has 700 characters; shlex takes each one by itself.
LINE_CHARACTERS = 65_536

_OPTION = re.compile(r"--(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.*))?", re.DOTALL)
# A value may begin with hyphens ("--SPAM--"); options are written in small letters.
_NEXT_OPTION = re.compile(r"--[a-z][\w-]*(?:=.*)?", re.DOTALL)
_CONTINUED = re.compile(r"\\[ \t]*\r?\n|(?<=\s)\\[ \t]+(?=-|\[)")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_PASSED = frozenset({"[", "]", "sh", "\\", "&&", "||", ";", "|", "&"})
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Word:
    """An option with its value, None where there is none; or a word that is no option."""

    name: str
    value: str | None = None
    is_option: bool = True

    @property
    def source(self) -> str:
        """The word as one would type it."""
        if not self.is_option:
            return shown(self.name)
        return f"--{self.name}" if self.value is None else f"--{self.name} {shown(self.value)}"


class LineError(ValueError):
    """A line that no shell could read."""


def read_words(text: str, switches: frozenset[str]) -> tuple[Word, ...]:
    """Read every option of a line; raises `LineError`.

    `switches` are options that take no value, so that the word after them is none.
    """
    if len(text) > LINE_CHARACTERS:
        raise LineError(f"longer than {LINE_CHARACTERS:_} characters: is this a configure line?")
    try:
        words = shlex.split(_CONTINUED.sub(" ", _COMMENT.sub("", text)))
    except ValueError as error:
        raise LineError(f"not read as a shell's line: {error}") from error
    return tuple(_paired(words, switches))


def shown(value: str) -> str:
    """A value as one would type it, cut when it is long."""
    return shlex.quote(value[:_SHOWN_CHARACTERS])


def _paired(words: list[str], switches: frozenset[str]) -> Iterator[Word]:
    position = 0
    while position < len(words):
        word, following = words[position], words[position + 1 : position + 2]
        match = _OPTION.fullmatch(word)
        position += 1
        if not match:
            yield from () if _is_passed(word) else (Word(word, is_option=False),)
        elif match["value"] is not None or match["name"] in switches or _is_no_value(following):
            yield Word(match["name"], match["value"])
        else:
            yield Word(match["name"], following[0])
            position += 1


def _is_passed(word: str) -> bool:
    """The program itself, the page's brackets, what joins commands of the shell."""
    return word in _PASSED or word.rpartition("/")[2] == "configure"


def _is_no_value(following: list[str]) -> bool:
    return not following or following[0] in _PASSED or bool(_NEXT_OPTION.fullmatch(following[0]))
