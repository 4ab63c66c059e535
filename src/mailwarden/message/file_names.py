"""A file name in every way that people or programs may see it.

A name is shown, saved and opened by different programs: one cuts it at a NUL, one drops what it
cannot draw, one undoes %-escapes, one puts the name in a folder. Rules must see each of them.
Source: Unicode Standard Annex 9 (bidirectional text), RFC 6532, Windows "Naming Files".
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

from mailwarden.message.encoded_words import decode_odd_words, decode_text, decode_words

# Every trick at once gives some twenty.
MOST_SPELLINGS = 40
# File systems take 255 octets; a longer name is shown as it is, and nothing can save it.
NAME_LENGTH = 1_000

# Names that nobody reads differently; nearly every name is one.
_PLAIN = re.compile(
    r"[A-Za-z0-9_()\[\]{}+@#&=,'~!$-]"
    r"(?:[A-Za-z0-9_()\[\]{}@#&=,'~!$ .-]*[A-Za-z0-9_()\[\]{}@#&=,'~!$-])?"
)
# Without a mark readers take either order of octets.
_UTF_16 = re.compile(rb"(?i)(?<=\?)utf-?16(?=\?)")
_OCTET_ORDERS = (b"utf-16-le", b"utf-16-be")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_UTF_7 = re.compile(r"\+[A-Za-z0-9+/]{2,}-?")
_PATH_MARK = re.compile(r"[/\\]")
# Control and format characters (Unicode categories Cc and Cf), which nobody sees.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]+"
)
_OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
_OVERRIDDEN = re.compile(
    "[\N{RIGHT-TO-LEFT OVERRIDE}\N{RIGHT-TO-LEFT EMBEDDING}\N{RIGHT-TO-LEFT ISOLATE}]"
    "([^\N{POP DIRECTIONAL FORMATTING}\N{POP DIRECTIONAL ISOLATE}]*)"
)
# No file on Windows has these in its name; programs drop or replace them when they save one.
_NOT_IN_FILE_NAMES = re.compile(r'["*:<>?|;\\/]')
_EXTENSION = re.compile(r"\.([A-Za-z0-9_]{1,16})\Z")


def name_spellings(name: str) -> tuple[str, ...]:
    """Give a name as it is, then as it may be shown, saved or opened; each once, none empty."""
    if _PLAIN.fullmatch(name) or len(name) > NAME_LENGTH:
        return (name,) if name else ()
    found = {name: None}
    for step in _STEPS:
        for known in tuple(found):
            found.update(dict.fromkeys(step(known)))
    return tuple(spelling for spelling in found if spelling)[:MOST_SPELLINGS]


def extension(name: str) -> str:
    """What follows the last dot, in lower case; empty when that is no usual extension."""
    match = _EXTENSION.search(name.rstrip(" ."))
    return match[1].lower() if match else ""


def has_direction_override(name: str) -> bool:
    """Whether letters are made to stand in another order than they are written."""
    return _OVERRIDE in name


def decode_name(octets: bytes, charset: str) -> tuple[str, ...]:
    """Give the texts that a parameter's octets may be; `charset` is empty when none is named."""
    text = decode_text(octets, charset)
    if not charset and b"=?" not in octets:
        return (text,)
    texts = [text]
    if "16" in charset:
        texts += [decode_text(octets, order.decode()) for order in _OCTET_ORDERS]
    if not charset:
        texts.insert(0, decode_words(octets))
        texts.append(decode_odd_words(octets))
        texts += [decode_words(_UTF_16.sub(order, octets)) for order in _OCTET_ORDERS]
    if charset and not octets.isascii():  # a charset that lies
        texts.append(decode_text(octets, ""))
    return tuple(dict.fromkeys(texts))


def _without_escapes(name: str) -> Iterator[str]:
    if _PERCENT.search(name):
        yield decode_text(unquote_to_bytes(name), "")


def _from_utf_7(name: str) -> Iterator[str]:
    if _UTF_7.search(name) and name.isascii():
        yield decode_text(name.encode("ascii"), "utf-7")


def _up_to_nul(name: str) -> Iterator[str]:
    if "\0" in name:
        yield name.partition("\0")[0]


def _as_shown(name: str) -> Iterator[str]:
    """Turn overridden letters round, and drop what is not seen."""
    if _OVERRIDDEN.search(name):
        yield _INVISIBLE.sub("", _OVERRIDDEN.sub(lambda match: match[1][::-1], name))
    yield _INVISIBLE.sub("", name)


def _as_compatible_letters(name: str) -> Iterator[str]:
    """Full-width letters and dots are drawn, and by some programs saved, as the usual ones."""
    if not name.isascii():
        yield unicodedata.normalize("NFKC", name)


def _without_folders(name: str) -> Iterator[str]:
    yield _PATH_MARK.split(name)[-1]


def _as_saved(name: str) -> Iterator[str]:
    r"""Windows ignores dots and blanks at the end, and `a.exe::$DATA` is `a.exe`."""
    yield _NOT_IN_FILE_NAMES.sub("", name).strip(" \t").rstrip(". ")
    if ":" in name:
        yield name.partition(":")[0]


_STEPS: tuple[Callable[[str], Iterator[str]], ...] = (
    _without_escapes,
    _from_utf_7,
    _up_to_nul,
    _as_shown,
    _as_compatible_letters,
    _without_folders,
    _as_saved,
)
