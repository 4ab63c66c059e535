"""Uuencode and yEnc as transfer encodings: lines that stand for octets, with or without a frame.

Source: POSIX `uuencode` (historical algorithm), yEnc draft 1.3.
"""

import binascii
import re

_BEGIN = re.compile(rb"(?m)^begin[ \t]+[0-7]{3,4}[^\n]*\n")
_END = re.compile(rb"(?m)^end[ \t]*\r?$")
_SPACE = 0x20
_LONGEST_LINE_OCTETS = 63

_YENC_CONTROL_LINE = re.compile(rb"(?m)^=y[^\n]*(?:\n|\Z)")
_YENC_BODY = re.compile(rb"(?ms)^=ybegin [^\n]*\n(?P<body>.*?)(?:(?P<end>^=yend[^\n]*)|\Z)")
_YENC_ESCAPE = re.compile(rb"=(.)", re.DOTALL)
_YENC_OFFSET = 42
_YENC_ESCAPE_OFFSET = 64
_LESS_OFFSET = bytes((octet - _YENC_OFFSET) % 256 for octet in range(256))
_LESS_ESCAPE_OFFSET = bytes((octet - _YENC_ESCAPE_OFFSET) % 256 for octet in range(256))


def uudecode(octets: bytes) -> tuple[bytes, bool]:
    """Decode every line that is one, and say whether all are.

    Where there is a `begin`, only what stands between it and `end` counts.
    """
    begin = _BEGIN.search(octets)
    frame = _END.split(octets[begin.end() :], maxsplit=1)[0] if begin else octets
    lines = [_uu_line(line) for line in frame.split(b"\n") if line.strip()]
    return b"".join(line or b"" for line in lines), None not in lines


def _uu_line(line: bytes) -> bytes | None:
    count = (line[0] - _SPACE) % (_LONGEST_LINE_OCTETS + 1)
    letters = (count + 2) // 3 * 4
    # Blanks at the end may be missing, but a single letter shall not stand for 45 octets.
    if len(line) * 2 < letters:
        return None
    try:
        return binascii.a2b_uu(line[: 1 + letters].rstrip(b"\r"))
    except binascii.Error:
        return None


def yenc_decode(octets: bytes) -> tuple[bytes, bool]:
    """Decode what stands between `=ybegin` and `=yend`, and say whether that is there.

    Without it everything is decoded.
    """
    frames = list(_YENC_BODY.finditer(octets))
    framed = b"".join(frame["body"] for frame in frames) if frames else octets
    text = _YENC_CONTROL_LINE.sub(b"", framed).translate(None, b"\r\n")
    plain = _YENC_ESCAPE.sub(lambda match: match[1].translate(_LESS_ESCAPE_OFFSET), text)
    return plain.translate(_LESS_OFFSET), bool(frames) and all(frame["end"] for frame in frames)
