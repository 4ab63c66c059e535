"""What commands print: a console that knows whether a person looks, and foreign text made safe."""

import sys

from rich.console import Console
from rich.style import Style
from rich.text import Text

_STYLES = {
    "accept": Style(color="green"),
    "tag": Style(color="yellow"),
    "defer": Style(color="magenta"),
    "quarantine": Style(color="red"),
    "reject": Style(color="red", bold=True),
    "delete": Style(color="red", bold=True),
}
# Where nobody looks, no line is folded: other programs read it.
_PLAIN_COLUMNS = 1_000


def console() -> Console:
    """Standard output: in colour and as wide as the terminal, or plain and wide in a pipe."""
    return Console(
        width=None if sys.stdout.isatty() else _PLAIN_COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )


def printable(text: str) -> str:
    r"""Text from outside on one line: what moves the cursor or hides itself as `\x1b`, `\u202e`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(text: str, style: str | Style = "") -> Text:
    """Text from outside, made printable; no markup is taken from it."""
    return Text(printable(text), style)


def disposition_text(word: str) -> Text:
    """A disposition in its colour."""
    return Text(word, _STYLES.get(word, Style()))
