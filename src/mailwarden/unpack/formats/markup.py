"""Files inside web pages and pictures of SVG: data URLs, and base64 in the strings of scripts.

A page that is opened in a browser saves such a file without asking anybody on the way ("HTML
smuggling"). Strings that a script computes otherwise stay hidden; no reader finds those.

    <a download="invoice.zip" href="data:application/zip;base64,UEsDBBQ...">
    <script>var a = atob("UEsDBBQ" + "...");

Source: RFC 2397, WHATWG "Fetch" section "data: URLs", ECMA-262 (string literals).
"""

import html
import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote_to_bytes

from mailwarden.message.transfer import decode
from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened

_URL = re.compile(
    r"""([("'`]?)\s{0,20}data:([a-z0-9.+/-]{0,100})((?:;[^,;"'<>]{0,100}){0,10}),""", re.IGNORECASE
)
_BASE64 = re.compile(r";\s{0,10}base64\s{0,10}\Z", re.IGNORECASE)
_CLOSING = {"(": ")", '"': '"', "'": "'", "`": "`"}
_BARE_END = re.compile(r"""[\s"'<>]""")
# Shorter ones are names and keys; the smallest program has more.
_STRING = re.compile(r"""(["'`])([A-Za-z0-9+/_\r\n-]{64,}={0,2}\s{0,4})\1""")
_JOINT = re.compile(r"""["'`]\s{0,40}[+,]\s{0,40}["'`]""")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u00([0-9A-Fa-f]{2})|\r?\n|/)")
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
    names = tuple(
        dict.fromkeys(match[1] for match in islice(_DOWNLOAD.finditer(text), _MOST_NAMES))
    )
    for media_type, content in (*_of_urls(text, meter), *_of_strings(text, meter)):
        is_scanned = not content.startswith(_PICTURE_STARTS)
        yield Member(names, content, media_type=media_type, is_scanned=is_scanned)


def _text(octets: bytes) -> str:
    """What matters is ASCII, in 8 bits or in 16; references and escapes are undone."""
    text = octets.replace(b"\0", b"").decode("latin-1")
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


def _of_strings(text: str, meter: Meter) -> Iterator[tuple[str, bytes]]:
    strings = dict.fromkeys(match[2] for match in _STRING.finditer(text))
    joined = _JOINT.sub("", text)
    if joined != text:
        strings.update(dict.fromkeys(match[2] for match in _STRING.finditer(joined)))
    for string in strings:
        packed = "".join(string.split())
        meter.count_member()
        meter.count_bytes(len(packed))
        yield "", decode(packed.translate(_URL_ALPHABET).encode("ascii"), "base64").octets
        if _HEX.fullmatch(packed):
            yield "", bytes.fromhex(packed)
