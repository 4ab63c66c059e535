"""The words of a Content-Transfer-Encoding field, clean or not, as names that `transfer` knows.

Source: RFC 2045 section 6; the misspelt ones are those that mail programs accept.
"""

import re

from mailwarden.message.transfer import IDENTITY

BASE64 = "base64"
QUOTED_PRINTABLE = "quoted-printable"
UUENCODE = "uuencode"
YENC = "yenc"

# A field has one word; so many are noise.
_MOST_WORDS = 10
_SHOWN_LENGTH = 100
_SEPARATORS = re.compile(r"[^a-z0-9_.-]+")
# Mail programs compare the beginning of the word, or look for it anywhere.
_SIGNS = (
    (re.compile(r"base.?64|b64|gzip64"), BASE64),
    (re.compile(r"quoted|printable|\bqp\b"), QUOTED_PRINTABLE),
    (re.compile(r"uue"), UUENCODE),
    (re.compile(r"yenc"), YENC),
)
_KNOWN = frozenset({*IDENTITY, BASE64, QUOTED_PRINTABLE})
# What was in use before and beside MIME; many readers know these, others do not.
_PRIVATE = frozenset(
    {"uuencode", "x-uuencode", "x-uue", "uue", "x-yenc", "yenc", "x-gzip64", "gzip64"}
)


def is_known(word: str) -> bool:
    """Whether a word in lower case is an encoding of RFC 2045."""
    return word in _KNOWN


def is_private(word: str) -> bool:
    """Whether it is an encoding that only some programs agreed upon, like uuencode."""
    return word in _PRIVATE


def encoding_names(word: str) -> tuple[str, ...]:
    """Give every encoding that a text in lower case may name, the likeliest first.

    A word that everybody or nobody knows gives itself alone, a private one what it means.
    Where only a piece of the text names one, `binary` comes last: some readers do not see it.
    """
    if word in _KNOWN:
        return (word,)
    if word in _PRIVATE:
        return tuple(_named(word))
    words = [one for one in _SEPARATORS.split(word) if one][:_MOST_WORDS]
    found = [name for one in words for name in _named(one)]
    found += _named(word.replace(" ", ""))
    if not found:
        return (word[:_SHOWN_LENGTH],)
    return tuple(dict.fromkeys([*found, "binary"]))


def _named(word: str) -> list[str]:
    if word in _KNOWN:
        return [word]
    return [name for sign, name in _SIGNS if sign.search(word)]
