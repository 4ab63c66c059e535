"""Files inside web pages and pictures of SVG: data URLs, and what stands in scripts as it is.

A page that is opened in a browser saves such a file without asking anybody on the way ("HTML
smuggling"). Strings that a script computes otherwise stay hidden; no reader finds those.

    <a download="invoice.zip" href="data:application/zip;base64,UEsDBBQ...">
    <script>var a = atob("UEsDBBQ" + "..."); var b = [80, 75, 3, 4, ...];

Source: RFC 2397, WHATWG "Fetch" section "data: URLs", ECMA-262 (string literals).
"""

import html
import re
from collections.abc import Iterator
from itertools import chain, islice
from urllib.parse import unquote, unquote_to_bytes

from mailwarden.message.transfer import decode
from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened

# Of a URL, tabs and line ends do not count.
_URL = re.compile(
    r"""(?i)([("'`]?)\s{0,20}d[\t\r\n]{0,9}a[\t\r\n]{0,9}t[\t\r\n]{0,9}a[\t\r\n]{0,9}:"""
    r"""\s{0,9}([a-z0-9.+/-]{0,100}+)((?:;[^,;"'<>]{0,100}+){0,10}+),"""
)
_BASE64 = re.compile(r";\s{0,10}base64\s{0,10}\Z", re.IGNORECASE)
_CLOSING = {"(": ")", '"': '"', "'": "'", "`": "`"}
_BARE_END = re.compile(r"""[\s"'<>]""")
# Shorter ones are names and keys; the smallest program has more.
_STRING = re.compile(r"""(["'`>])([A-Za-z0-9+/_\r\n-]{64,}+={0,2}\s{0,4})(?:\1|<)""")
# `"a" + "b"`, `["a", "b"].join("")`, `x = "a"; x += "b"`
_JOINT = re.compile(r"""["'`]\s{0,40}(?:[+,]|;?\s{0,40}[\w.$]{1,40}\s{0,5}\+=)\s{0,40}["'`]""")
_NUMBER = r"(?:0x[0-9A-Fa-f]{1,2}|[0-9]{1,3})"
_NUMBERS = re.compile(rf"(?:{_NUMBER}\s{{0,9}},\s{{0,9}}){{64,}}{_NUMBER}")
_LARGEST_OCTET = 255
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u00([0-9A-Fa-f]{2})|\r?\n|/)")
# A script that is written out by `unescape`.
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){20}")
# Shifts to ASCII in ISO 2022, which nobody sees.
_SHIFT = re.compile(rb"\x1b\([BJ]")
_URL_ALPHABET = str.maketrans("-_", "+/")

# `download="a.js"`, `a.download = "a.js"`, `setAttribute("download", "a.js")`
_DOWNLOAD = re.compile(
    r"""download["']?\s{0,5}[=,]\s{0,5}["']?([^"'<>;\s]{1,255})""", re.IGNORECASE
)
_MOST_NAMES = 10
# Pictures say nothing that scanners want to know, and pages are full of them.
_PICTURE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def open_markup(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every file that a page holds; their names are those under which pages save files."""
    text = _text(octets)
    texts = (text, unquote(text, "latin-1")) if _PERCENT.search(text) else (text,)
    names = tuple(
        dict.fromkeys(match[1] for match in islice(_DOWNLOAD.finditer(text), _MOST_NAMES))
    )
    for one in texts:
        for media_type, content in _contents(one, meter):
            is_scanned = not content.startswith(_PICTURE_STARTS)
            yield Member(names, content, media_type=media_type, is_scanned=is_scanned)


def _contents(text: str, meter: Meter) -> Iterator[tuple[str, bytes]]:
    """Media type and octets of everything that is a file."""
    yield from _of_urls(text, meter)
    for content in chain(_of_strings(text), _of_numbers(text)):
        meter.count_member()
        meter.count_bytes(len(content))
        yield "", content


def _text(octets: bytes) -> str:
    """What matters is ASCII, in 8 bits or in 16; references and escapes are undone."""
    text = _SHIFT.sub(b"", octets.replace(b"\0", b"")).decode("latin-1")
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return text


def _unescaped(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    return chr(int(digits, 16)) if digits else match[0].lstrip("\\").strip("\r\n")


def _of_urls(text: str, meter: Meter) -> Iterator[tuple[str, bytes]]:
    position = 0
    while match := _URL.search(text, position):
        position = _end(text, match[1], match.end())
        packed = unquote_to_bytes(text[match.end() : position].encode("latin-1", "replace"))
        if not packed:
            continue
        meter.count_member()
        meter.count_bytes(len(packed))
        is_base64 = _BASE64.search(match[3]) is not None
        yield match[2].lower(), decode(packed, "base64").octets if is_base64 else packed


def _end(text: str, opening: str, start: int) -> int:
    """Where a URL ends: at the quote that it began with, or at what no URL has."""
    if opening:
        found = text.find(_CLOSING[opening], start)
        return found if found >= 0 else len(text)
    bare = _BARE_END.search(text, start)
    return bare.start() if bare else len(text)


def _of_strings(text: str) -> Iterator[bytes]:
    strings = dict.fromkeys(match[2] for match in _STRING.finditer(text))
    joined = _JOINT.sub("", text)
    if joined != text:
        strings.update(dict.fromkeys(match[2] for match in _STRING.finditer(joined)))
    for string in strings:
        packed = "".join(string.split())
        yield decode(packed.translate(_URL_ALPHABET).encode("ascii"), "base64").octets
        if _HEX.fullmatch(packed):
            yield bytes.fromhex(packed)


def _of_numbers(text: str) -> Iterator[bytes]:
    for match in _NUMBERS.finditer(text):
        numbers = [int(number, 16 if "x" in number else 10) for number in match[0].split(",")]
        if max(numbers) <= _LARGEST_OCTET:
            yield bytes(numbers)
