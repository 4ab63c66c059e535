"""Texts that carry files: which formats of that kind octets may be opened as, told cheaply.

Every text of every message is asked, so each question is a search or two; the openers look again.
"""

import codecs
import re
from collections.abc import Iterator

_MARKUP_WORDS = frozenset({"html", "svg", "xml"})
_MARKUP_TYPES = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml"})
_MARKUP_ENDINGS = (".html", ".htm", ".xhtml", ".xht", ".shtml", ".svg", ".hta")
_DATA_URL = re.compile(rb"""(?i)data:[^,"'<>]{0,300},""")
_STRING = re.compile(rb"""["'`][A-Za-z0-9+/_\r\n-]{64,}={0,2}\s{0,4}["'`]""")
# Strings that are joined, and escapes that stand for letters of a data URL.
_JOINED_STRING = re.compile(rb"""["'`][A-Za-z0-9+/_-]{8,}["'`]\s{0,40}[+,]\s{0,40}["'`]""")
_ESCAPED = re.compile(rb"(?i)\\x[0-9a-f]{2}|\\u00|&#x?0{0,8}(?:58|3a|44|2c|64|100|65|97|61)\b")

# Names of elements, which no XML can write otherwise, and what makes the shell ask Office.
_OFFICE_MARKS = (b"binaryData", b"binData", b"binary-data", b"mso-application")
_UTF_16_MARKS = tuple(mark.decode().encode("utf-16-le")[:-1] for mark in _OFFICE_MARKS)
_OFFICE_WORDS = frozenset({"", "xml", "text", "html", "svg"})

_CALENDAR_STARTS = (b"begin:vcalendar", b"begin:vcard")
_CALENDAR_HEAD_BYTES = 100
_FOLD = re.compile(rb"\r?\n[ \t]+")
_BASE64_VALUE = re.compile(rb"(?i);base64|encoding=\"?b|;b[:;]")

_SYLK_START = b"ID;"

_MAIL_START = re.compile(rb"(?im)^[ \t]*mime-version[ \t]*:")
# What Word opens by content, whatever stands before the mail in it.
_WORD_ENDINGS = (".doc", ".dot", ".docx", ".docm", ".dotx", ".dotm", ".rtf", ".wbk", ".xml")
_MAIL_WORDS = frozenset({"mail", "mbox"})


def carriers_of(octets: bytes, word: str, names: tuple[str, ...], media_type: str) -> Iterator[str]:
    """The formats; `word` is the real type, `names` all candidates."""
    endings = tuple(name.rstrip(". \0").lower() for name in names)
    if _is_markup(word, endings, media_type) and _may_hold_files(octets):
        yield "markup"
    if word in _OFFICE_WORDS and _is_office_xml(octets):
        yield "flat-office"
    head = octets[:_CALENDAR_HEAD_BYTES].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if head.startswith(_CALENDAR_STARTS) and _BASE64_VALUE.search(_FOLD.sub(b"", octets)):
        yield "calendar"
    if octets.startswith(_SYLK_START):
        yield "sylk"
    is_for_word = any(name.endswith(_WORD_ENDINGS) for name in endings)
    if is_for_word and word not in _MAIL_WORDS and _MAIL_START.search(octets):
        yield "page-archive"


def _is_markup(word: str, endings: tuple[str, ...], media_type: str) -> bool:
    return (
        word in _MARKUP_WORDS
        or media_type in _MARKUP_TYPES
        or any(name.endswith(_MARKUP_ENDINGS) for name in endings)
    )


def _may_hold_files(octets: bytes) -> bool:
    text = octets.replace(b"\0", b"") if b"\0" in octets else octets
    return any(pattern.search(text) for pattern in (_DATA_URL, _STRING, _JOINED_STRING, _ESCAPED))


def _is_office_xml(octets: bytes) -> bool:
    return any(mark in octets for mark in (*_OFFICE_MARKS, *_UTF_16_MARKS))
