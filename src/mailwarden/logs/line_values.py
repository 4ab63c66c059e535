"""Foreign values as pieces of a log line: one function for each kind of place in a line.

What is not printable (control characters, line and paragraph separators, what turns the direction
of writing, bytes that are no UTF-8) could end a line, a field, or fool a terminal: it is replaced.
Values are cut, so that no message makes long lines; the record keeps them whole.
Sources: facts 4.4 and 4.5; the limits in words are those of the original.
"""

# Room for any address (RFC 5321 4.5.3.1.3: 256) and for the subjects that records keep.
_FIELD_CHARACTERS = 1_000
# A character of UTF-8 has at most so many bytes: what is cut off is never decoded.
_CHARACTER_BYTES = 4
_BLANKS = str.maketrans(dict.fromkeys("\t\r\n\v\f\x85\u2028\u2029", " "))
_NO_CONTROLS = dict.fromkeys((*range(0x20), 0x7F))
# What stands for a value that is not there.
EMPTY = "<>"


def field(value: str | bytes, most: int = _FIELD_CHARACTERS) -> str:
    """A value between TABs: what would separate fields or lines becomes a blank."""
    return _printable(_text(value, most).translate(_BLANKS))


def word(value: str | bytes, most: int) -> str:
    """A value between blanks, of at most `most` bytes: blanks become `_`, nothing becomes `<>`.

    Control characters are left out, and `%` is doubled, because syslog's callers took lines for
    patterns to print with.
    """
    text = _text(value, most).translate(_NO_CONTROLS).replace(" ", "_")
    return _cut(_printable(text).replace("%", "%%"), most) or EMPTY


def quoted(value: str | bytes, most: int = _FIELD_CHARACTERS) -> str:
    """A value in double quotes; those inside become single ones."""
    return f'"{field(value, most).replace(chr(34), chr(39))}"'


def _text(value: str | bytes, most: int) -> str:
    if isinstance(value, bytes):
        value = value[: most * _CHARACTER_BYTES].decode("utf-8", "surrogateescape")
    return value[:most]


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text)


def _cut(text: str, most: int) -> str:
    """At most `most` bytes of UTF-8, no character and no `%%` torn."""
    octets = text.encode("utf-8")
    if len(octets) <= most:
        return text
    cut = octets[:most].decode("utf-8", "ignore")
    return cut[:-1] if cut.count("%") % 2 else cut
