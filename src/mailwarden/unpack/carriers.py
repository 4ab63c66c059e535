"""Texts that carry files: which formats of that kind octets may be opened as, told cheaply.

Every text of every message is asked, so each question is a search or two; the openers look again.
"""

import codecs
import re
from collections.abc import Iterator

_MARKUP_WORDS = frozenset({"html", "svg", "xml"})
_MARKUP_TYPES = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml"})
_MARKUP_ENDINGS = (".html", ".htm", ".xhtml", ".xht", ".shtml", ".svg", ".hta")
_DATA_URL = re.compile(
    rb"d[\t\r\n]*+a[\t\r\n]*+t[\t\r\n]*+a[\t\r\n]*+:\s{0,9}[a-z0-9.+/-]{0,100}+[;,]"
)
_STRING = re.compile(rb"""["'`>][a-z0-9+/_\r\n-]{64,}+={0,2}\s{0,4}["'`<]""")
# Letters of a data URL that are written otherwise.
_REFERENCE = re.compile(
    rb"&#x?0{0,8}(?:58|3a|44|2c|64|100|65|97|61|9|a|d|10|13);|&(?:colon|comma|semi|tab|newline);"
)
_SHIFT = b"\x1b("
# Scripts put files together in more ways than can be asked for here.
_SCRIPTS = (b"<script", b"javascript:", b"onload", b"onerror", b"onclick", b"onmouse", b"onfocus")

# Names of elements, which no XML can write otherwise, and what makes the shell ask Office.
_OFFICE_MARKS = (b"binaryData", b"binData", b"binary-data", b"mso-application")
_UTF_16_MARKS = tuple(mark.decode().encode("utf-16-le")[:-1] for mark in _OFFICE_MARKS)
# Word and Excel want the first element of XML here, whatever it is encoded in.
_XML_HEAD_BYTES = 4_096
_BEFORE_XML = b" \t\r\n" + codecs.BOM_UTF8 + codecs.BOM_UTF16_LE
_OFFICE_WORDS = frozenset({"", "xml", "text", "html", "svg"})

_CALENDAR_STARTS = (b"begin:vcalendar", b"begin:vcard")
_CALENDAR_HEAD_BYTES = 100
_FOLD = re.compile(rb"\r?\n[ \t]+")
_BASE64_VALUE = re.compile(rb"(?i);base64|encoding=\"?b|;b[:;]")

_SYLK_START = b"ID;"

_MAIL_START = re.compile(rb"(?im)^[ \t]*mime-version[ \t]*:")
# What Word and Excel open by content, whatever stands before the mail in it.
_OFFICE_ENDINGS = (
    *(".doc", ".dot", ".docx", ".docm", ".dotx", ".dotm", ".rtf", ".wbk", ".xml"),
    *(".xls", ".xlt", ".xla", ".xlsx", ".xlsm", ".csv"),
)
_MAIL_WORDS = frozenset({"mail", "mbox"})


def carriers_of(octets: bytes, word: str, names: tuple[str, ...], media_type: str) -> Iterator[str]:
    """The formats; `word` is the real type, `names` all candidates."""
    endings = tuple(name.rstrip(". \0").lower() for name in names)
    if _is_markup(word, endings, media_type) and _may_hold_files(octets):
        yield "markup"
    if word in _OFFICE_WORDS and _is_office_xml(octets, word):
        yield "flat-office"
    head = octets[:_CALENDAR_HEAD_BYTES].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if head.startswith(_CALENDAR_STARTS) and _BASE64_VALUE.search(_FOLD.sub(b"", octets)):
        yield "calendar"
    if octets.startswith(_SYLK_START):
        yield "sylk"
    is_for_office = any(name.endswith(_OFFICE_ENDINGS) for name in endings)
    if is_for_office and word not in _MAIL_WORDS and _MAIL_START.search(octets):
        yield "page-archive"


def _is_markup(word: str, endings: tuple[str, ...], media_type: str) -> bool:
    return (
        word in _MARKUP_WORDS
        or media_type in _MARKUP_TYPES
        or any(name.endswith(_MARKUP_ENDINGS) for name in endings)
    )


def _may_hold_files(octets: bytes) -> bool:
    # In small letters, for patterns that do not know case are slow.
    text = octets.replace(b"\0", b"").lower()
    return bool(
        _DATA_URL.search(text)
        or _STRING.search(text)
        or _REFERENCE.search(text)
        or _SHIFT in text
        or any(mark in text for mark in _SCRIPTS)
    )


def _is_office_xml(octets: bytes, word: str) -> bool:
    """What is of no known type is searched to its end only when it begins like XML."""
    head = octets[:_XML_HEAD_BYTES].replace(b"\0", b"").lstrip(_BEFORE_XML)
    if not word and not head.startswith(b"<"):
        return False
    return any(mark in octets for mark in (*_OFFICE_MARKS, *_UTF_16_MARKS))
