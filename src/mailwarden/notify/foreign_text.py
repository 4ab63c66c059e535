"""Text from a message that is shown in a notice goes through here, whoever wrote it.

A notice is read as the administrator's word: what a stranger wrote must not add a line to it, hide
or turn around a piece of it, nor become a link. Escaping for HTML is the template's, on top.
"""

import re
from unicodedata import category

_VALUE_CHARACTERS = 300
# A screen or two: a notice is for knowing the message again, the quarantine has all of it.
_HEADER_LINES = 60
_HEADER_LINE_CHARACTERS = 200
# Joiners stand in names of people and in emoji; they turn nothing around.
_JOINERS = "\u200c\u200d"
# What mail programs make a link of.
_LINK = re.compile(r"(?i)(?<=\w)://|(?<=\bwww)\.")
_BROKEN_LINK = {"://": "[:]//", ".": "[.]"}
# RFC 5322 section 3.6.4, without comments and quotes; 250 with its brackets fits every field.
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,180}@[A-Za-z0-9.:_\[\]-]{1,68}>")


def one_line(text: str, most: int = _VALUE_CHARACTERS) -> str:
    r"""Text on one line, cut: what hides, moves or turns around as `\x1b`, `\u202e`; no links."""
    cut = text if len(text) <= most else text[: most - 3] + "..."
    return _LINK.sub(lambda match: _BROKEN_LINK[match[0]], "".join(map(_visible, cut)))


def header_lines(header: str) -> tuple[str, ...]:
    """The beginning of a message's header, each line as `one_line` has it."""
    lines = header.replace("\r\n", "\n").rstrip("\n").split("\n", _HEADER_LINES)
    shown = tuple(_header_line(line) for line in lines[:_HEADER_LINES])
    return (*shown, "...") if len(lines) > _HEADER_LINES else shown


def _header_line(line: str) -> str:
    return one_line(line.replace("\t", "    "), _HEADER_LINE_CHARACTERS)


def clean_message_id(text: str) -> str:
    """A Message-ID as it is, where it is one in the ordinary form, else nothing."""
    return text if _MESSAGE_ID.fullmatch(text) else ""


def _visible(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if category(character) == "Zs":  # blanks of other widths, in Japanese the usual one
        return " "
    if "\udc80" <= character <= "\udcff":  # a byte that is no UTF-8: see `text_of`
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
