r"""The first part of an installed `qmail-scanner-queue.pl`: its variables, as they were edited.

    my $smaildir="spamdir";
    @silent_viruses_array=('klez', "$other", qw(yaha spam));

Only what is written down is read: texts, numbers, lists of them, scalars known before, and texts
joined by dots. What would have to be computed is named and left alone; nothing is run. Reading ends
at the first `sub`. There the values that an administrator may change end, too, as the page says.
Which variable is which option is in `option_tables`. Source: perlop(1), perldata(1); facts 2.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

# The groups of `_TERM` that hold what stands between two marks.
_BODIES = ("single", "double", "round", "curly", "square", "slash")
# The text of a value, the items of a list, or None for what would have to be computed.
Value = str | tuple[str, ...] | None

_END = re.compile(r"^(?:sub\s+\w|__END__|__DATA__)", re.MULTILINE)
_MANUAL = re.compile(r"^=[a-z].*?(?:^=cut.*?$|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^[ \t]*#(?P<text>.*)$", re.MULTILINE)
_ASSIGNMENT = re.compile(
    r"(?:^|[;{])[ \t]*(?:(?:my|our|local)[ \t]+)?"
    r"(?:(?P<sigil>[$@%])(?P<name>[A-Za-z_]\w*)[ \t\n]*=(?![=~>])"
    r"|push[ \t]*\(?[ \t]*@(?P<pushed>[A-Za-z_]\w*))",
    re.MULTILINE,
)
_BLANK = re.compile(r"(?:\s+|#[^\n]*)*")
_STATEMENT_END = re.compile(r"\s*;(?:[ \t]*#[^\n]*)?")
_TERM = re.compile(
    r"'(?P<single>(?:[^'\\]|\\.)*)'"
    r'|"(?P<double>(?:[^"\\]|\\.)*)"'
    r"|(?P<number>-?(?:\d[\d_]*(?:\.\d+)?|\.\d+))"
    r"|\$(?P<scalar>[A-Za-z_]\w*)"
    r"|@(?P<array>[A-Za-z_]\w*)"
    r"|q(?P<form>[qw]?)\s*(?:\((?P<round>[^()\\]*)\)|\{(?P<curly>[^{}\\]*)\}"
    r"|\[(?P<square>[^\[\]\\]*)\]|/(?P<slash>[^/\\]*)/)",
    re.DOTALL,
)
_IN_DOUBLE = re.compile(r"\\(?P<escaped>.)|\$\{?(?P<name>[A-Za-z_]\w*)\}?", re.DOTALL)
# `$b="$a$a"; $c="$b$b"; ...` doubles each time: what known values may add up to in one file.
_EXPANDED_CHARACTERS = 1_000_000
_IN_SINGLE = re.compile(r"\\([\\'])")
_ESCAPES: Mapping[str, str] = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b"}


@dataclass(frozen=True, slots=True)
class Variable:
    """An assignment: name without sigil, its value, the line it stands in."""

    sigil: str
    name: str
    value: Value
    line: int


class _ComputedError(Exception):
    """A value that only Perl could tell."""


_Known = TypeVar("_Known", str, tuple[str, ...])


def read_variables(text: str) -> tuple[Variable, ...]:
    """Read every assignment of the first part, in order; time is linear."""
    head = _COMMENT.sub("", _without_manual(text[: _head_length(text)]))
    return tuple(_Reader(head).variables())


def recorded_line(text: str) -> str:
    """The options that the comment in the beginning records; empty where there are none."""
    comments = [match["text"] for match in _COMMENT.finditer(text, 0, _head_length(text))]
    end = 0
    for start, comment in enumerate(comments):
        # What stands within a line that was looked at holds no more options than that line.
        if start < end or "configure" not in comment:
            continue
        end = start + 1
        while _goes_on(comments, end):
            end += 1
        line = "\n".join(comments[start:end])
        if "--" in line:
            return line[line.index("--") :]
    return ""


def _head_length(text: str) -> int:
    match = _END.search(text)
    return match.start() if match else len(text)


def _without_manual(text: str) -> str:
    """The same lines, those of embedded manuals empty."""
    return _MANUAL.sub(lambda match: "\n" * match[0].count("\n"), text)


def _goes_on(comments: list[str], at: int) -> bool:
    """A line of the recorded command: one before it ends in a backslash, or it has options."""
    if at >= len(comments):
        return False
    return comments[at - 1].rstrip().endswith("\\") or comments[at].lstrip().startswith("--")


class _Reader:
    """Goes through a text once, and knows what was assigned so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._scalars: dict[str, str] = {}
        self._arrays: dict[str, tuple[str, ...]] = {}
        self._left = _EXPANDED_CHARACTERS

    def variables(self) -> Iterator[Variable]:
        while match := _ASSIGNMENT.search(self._text, self._at):
            self._at = match.end()
            line = self._line_at(match.end())
            if match["pushed"]:
                yield Variable("@", match["pushed"], None, line)
                continue
            value = self._value(match["sigil"])
            self._remember(match["sigil"], match["name"], value)
            yield Variable(match["sigil"], match["name"], value, line)

    def _line_at(self, position: int) -> int:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line

    def _value(self, sigil: str) -> Value:
        """The value, up to its semicolon; what cannot be read is searched for further ones."""
        start = self._at
        try:
            value = self._read(sigil)
        except _ComputedError:
            self._at = start
            return None
        end = _STATEMENT_END.match(self._text, self._at)
        if not end:
            self._at = start
            return None
        # The semicolon stays: it is what the next statement of the line stands behind.
        self._at = end.end() if "#" in end[0] else self._text.index(";", self._at)
        return value

    def _read(self, sigil: str) -> str | tuple[str, ...]:
        match sigil:
            case "$":
                return self._scalar()
            case "@":
                return self._list()
            case _:
                raise _ComputedError

    def _remember(self, sigil: str, name: str, value: Value) -> None:
        self._scalars.pop(name, None) if sigil == "$" else self._arrays.pop(name, None)
        if isinstance(value, str):
            self._scalars[name] = value
        elif value is not None:
            self._arrays[name] = value

    def _scalar(self) -> str:
        pieces = [self._text_term()]
        while self._takes("."):
            pieces.append(self._text_term())
        return "".join(pieces)

    def _list(self) -> tuple[str, ...]:
        if not self._takes("("):
            return self._terms()
        items: list[str] = []
        while not self._takes(")"):
            items += self._terms()
            if not self._takes(","):
                if not self._takes(")"):
                    raise _ComputedError
                break
        return tuple(items)

    def _takes(self, mark: str) -> bool:
        """Pass a mark, and the blanks and comments before it."""
        self._pass_blanks()
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _pass_blanks(self) -> None:
        if match := _BLANK.match(self._text, self._at):
            self._at = match.end()

    def _text_term(self) -> str:
        terms = self._terms()
        if len(terms) != 1:
            raise _ComputedError
        return terms[0]

    def _terms(self) -> tuple[str, ...]:
        """One term, which is several for `qw()` and arrays."""
        self._pass_blanks()
        match = _TERM.match(self._text, self._at)
        if not match:
            raise _ComputedError
        self._at = match.end()
        if match["array"]:
            items = _known(self._arrays, match["array"])
            self._spend(sum(map(len, items)) + len(items))
            return items
        body = next((match[name] for name in _BODIES if match[name] is not None), "")
        if match["form"] == "w":
            return tuple(body.split())
        return (self._one(match, body),)

    def _one(self, match: re.Match[str], body: str) -> str:
        if match["scalar"]:
            return self._expanded(match["scalar"])
        if match["double"] is not None or match["form"] == "q":
            return _IN_DOUBLE.sub(self._interpolated, body)
        if match["single"] is not None:
            return _IN_SINGLE.sub(r"\1", body)
        return match["number"].replace("_", "") if match["number"] else body

    def _interpolated(self, match: re.Match[str]) -> str:
        if match["name"]:
            return self._expanded(match["name"])
        return _ESCAPES.get(match["escaped"], match["escaped"])

    def _expanded(self, name: str) -> str:
        value = _known(self._scalars, name)
        self._spend(len(value))
        return value

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _ComputedError


def _known(among: Mapping[str, _Known], name: str) -> _Known:
    """What was assigned before; raises `_ComputedError` for what was not."""
    if name not in among:
        raise _ComputedError
    return among[name]
