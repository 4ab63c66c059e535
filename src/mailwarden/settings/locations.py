"""On which line of a settings file a key stands.

tomllib reads values but forgets where they were; this scan knows where they are and no values.
It is not a TOML reader: it runs on text that tomllib accepted (TOML 1.0, https://toml.io/en/v1.0.0).
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]

# No possessive quantifiers here: before 3.11.5, Python matches them wrongly when a look-ahead is
# inside (CPython issue 100061); Debian 12 has 3.11.2.
# Instead, runs of plain characters are unrolled, so that long texts need no long memory.
_BLANK = re.compile(r"[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BASIC = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_LITERAL = r"'[^'\n]*'"
_NAME = re.compile(rf"[A-Za-z0-9_-]+|{_BASIC}|{_LITERAL}")
# Up to two quotes may stand before the closing three: """"quoted"""" is one string.
_SCALAR = re.compile(
    r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{3,5}'
    r"|'''[^']*(?:'(?!'')[^']*)*'{3,5}"
    rf"|{_BASIC}|{_LITERAL}|[^\s,\]}}#\"'][^,\]}}#\n]*",
    re.DOTALL,
)
_OPEN_ARRAY_HEADER = re.compile(r"\[\[")
_CLOSE_ARRAY_HEADER = re.compile(r"\]\]")
_OPEN_SQUARE = re.compile(r"\[")
_CLOSE_SQUARE = re.compile(r"\]")
_OPEN_CURLY = re.compile(r"\{")
_CLOSE_CURLY = re.compile(r"\}")
_EQUALS = re.compile(r"=")
_COMMA = re.compile(r",")
_DOT = re.compile(r"\.")


def locate(text: str) -> Mapping[KeyPath, int]:
    """The line (from 1) of every table, key and list item of a TOML text that tomllib accepted.

    A path is the names and the list positions (from 0) down to it: `("profile", 0, "spam")`.
    Raises `ValueError` or `RecursionError` for text that tomllib would not have accepted.
    """
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    """One walk over a text, from its start to its end, without going back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._line_ends = [match.start() for match in re.finditer("\n", text)]
        self._lengths: dict[KeyPath, int] = {}  # of the [[arrays]] seen so far
        self.lines: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self._take(_BLANK)
        while self._position < len(self._text):
            if self._ahead("[["):
                table = self._array_header()
            elif self._ahead("["):
                table = self._table_header()
            else:
                self._key_and_value(table)
            self._take(_BLANK)

    def _table_header(self) -> KeyPath:
        line = self._line()
        self._take(_OPEN_SQUARE)
        *parents, last = self._dotted_key()
        self._take(_CLOSE_SQUARE)
        path = (*self._last_items((), parents, line), last)
        self._note(path, line)
        return path

    def _array_header(self) -> KeyPath:
        line = self._line()
        self._take(_OPEN_ARRAY_HEADER)
        *parents, last = self._dotted_key()
        self._take(_CLOSE_ARRAY_HEADER)
        array = (*self._last_items((), parents, line), last)
        position = self._lengths.get(array, 0)
        self._lengths[array] = position + 1
        self._note(array, line)
        self._note((*array, position), line)
        return (*array, position)

    def _last_items(self, path: KeyPath, names: list[str], line: int) -> KeyPath:
        """Follow names down; in an array of tables, the last table is meant."""
        for name in names:
            path = (*path, name)
            self._note(path, line)
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return path

    def _key_and_value(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for name in self._dotted_key():
            path = (*path, name)
            self._note(path, line)
        self._take(_EQUALS)
        self._take(_SPACE)
        self._value(path)

    def _dotted_key(self) -> list[str]:
        names = []
        while True:
            self._take(_SPACE)
            names.append(_unquoted(self._take(_NAME)))
            self._take(_SPACE)
            if not self._ahead("."):
                return names
            self._take(_DOT)

    def _value(self, path: KeyPath) -> None:
        if self._ahead("["):
            self._array(path)
        elif self._ahead("{"):
            self._inline_table(path)
        else:
            self._take(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        position = 0
        self._take(_OPEN_SQUARE)
        self._take(_BLANK)
        while not self._ahead("]"):
            self._note((*path, position), self._line())
            self._value((*path, position))
            position += 1
            self._separator("]")
        self._take(_CLOSE_SQUARE)

    def _inline_table(self, path: KeyPath) -> None:
        self._take(_OPEN_CURLY)
        self._take(_BLANK)
        while not self._ahead("}"):
            self._key_and_value(path)
            self._separator("}")
        self._take(_CLOSE_CURLY)

    def _separator(self, end: str) -> None:
        self._take(_BLANK)
        if not self._ahead(end):
            self._take(_COMMA)
            self._take(_BLANK)

    def _ahead(self, token: str) -> bool:
        return self._text.startswith(token, self._position)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._position)
        if match is None:
            raise ValueError(f"not TOML (at line {self._line()})")
        self._position = match.end()
        return match[0]

    def _line(self) -> int:
        return bisect_left(self._line_ends, self._position) + 1

    def _note(self, path: KeyPath, line: int) -> None:
        self.lines.setdefault(path, line)


def _unquoted(name: str) -> str:
    """The key itself; its escapes are tomllib's business."""
    if name[0] not in "\"'":
        return name
    [key] = tomllib.loads(f"{name} = 0")
    return key
