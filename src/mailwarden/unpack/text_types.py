"""What kind of text octets are: HTML, XML, mail, or just text."""

import codecs

# HTML is looked for by the names that the WHATWG's "MIME Sniffing" section 7.1 lists.
_HTML_STARTS = (
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<script",
    b"<iframe",
    b"<h1",
    b"<div",
    b"<font",
    b"<table",
    b"<a ",
    b"<style",
    b"<title",
    b"<b>",
    b"<body",
    b"<br",
    b"<p>",
    b"<p ",
    b"<meta",
    b"<form",
    b"<center",
    b"<!--",
)
# Octets of text in any charset that contains ASCII: what is left are control characters.
# BEL, BS, HT, LF, VT, FF, CR and ESC (of ISO 2022) stand in texts.
_TEXT = {7, 8, 9, 10, 11, 12, 13, 27, *range(32, 127), *range(128, 256)}
_MARKED = bytes(octet not in _TEXT for octet in range(256))

# A mail's header begins with one of these, and holds at least two of the fields below.
_FIRST_FIELDS = (
    b"received:",
    b"return-path:",
    b"delivered-to:",
    b"from:",
    b"to:",
    b"date:",
    b"subject:",
    b"message-id:",
    b"mime-version:",
    b"content-type:",
    b"reply-to:",
    b"sender:",
    b"envelope-to:",
    b"dkim-signature:",
    b"authentication-results:",
    b"arc-seal:",
    b"x-",
)
_MAIL_FIELDS = (
    b"\nreceived:",
    b"\nreturn-path:",
    b"\nmessage-id:",
    b"\nmime-version:",
    b"\ncontent-type:",
    b"\nfrom:",
)
_MAIL_FIELDS_NEEDED = 2
_LONGEST_FIRST_FIELD = max(map(len, _FIRST_FIELDS))


def text_word(head: bytes) -> str:
    """The word of the text that begins so: html, svg, xml, mail, mbox or text; empty for others."""
    head = _as_ascii(head)
    if not head or not is_text(head):
        return ""
    start = head.lstrip()
    if start.startswith(b"<"):
        return _markup_word(start.lower())
    return _mail_word(head) or "text"


def is_text(head: bytes) -> bool:
    """Whether there are no control characters but those of texts."""
    return b"\1" not in head.translate(_MARKED)


def _as_ascii(head: bytes) -> bytes:
    """UTF-16 as UTF-8; marks of byte order taken off."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").encode("utf-8", "replace")
    return head.removeprefix(codecs.BOM_UTF8)


def _markup_word(start: bytes) -> str:
    if start.startswith(_HTML_STARTS) and b"<svg" not in start[:256]:
        return "html"
    if b"<svg" in start:
        return "svg"
    if b"<html" in start or b"<!doctype html" in start:
        return "html"
    return "xml" if start.startswith(b"<?xml") else "text"


def _mail_word(head: bytes) -> str:
    if head.startswith((b"From ", b">From ")):
        return "mbox" if _begins_as_mail(head.partition(b"\n")[2]) else ""
    return "mail" if _begins_as_mail(head) else ""


def _begins_as_mail(head: bytes) -> bool:
    if not head[:_LONGEST_FIRST_FIELD].lower().startswith(_FIRST_FIELDS):
        return False
    header = b"\n" + head.lower().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    header = header.partition(b"\n\n")[0]
    return sum(field in header for field in _MAIL_FIELDS) >= _MAIL_FIELDS_NEEDED
