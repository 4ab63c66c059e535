"""The messages that are measured with: made anew each time, always the same.

`mixed` is the set of DESIGN section 8; `small` are messages of 5 KB, for the aim in CPU time.
"""

import base64
import io
import random
import zipfile

_SEED = 2
_LINE_WORDS = 11
_MAX_WORD_LETTERS = 10
_ZIP_BYTES = 2_700_000
_SMALL_BYTES = 5_000
_BASE64_LINE_BYTES = 57  # 76 characters, the longest line of RFC 2045 section 6.8


def mixed_messages() -> list[bytes]:
    """120 of 2 to 10 KB, 70 with 56 to 493 KB attached, 10 with a zip of 2.7 MB, shuffled."""
    chance = random.Random(_SEED)  # noqa: S311 - not for secrets
    plain = [_plain(chance, chance.randint(2_000, 10_000)) for _ in range(120)]
    attached = [
        _attached(chance, chance.randbytes(chance.randint(56_000, 493_000)), "picture.jpg")
        for _ in range(70)
    ]
    zipped = [_attached(chance, _zip(chance), "papers.zip") for _ in range(10)]
    messages = plain + attached + zipped
    chance.shuffle(messages)
    return messages


def small_messages(count: int = 1_000) -> list[bytes]:
    """Plain text of 5 KB each, no two alike."""
    chance = random.Random(_SEED)  # noqa: S311 - not for secrets
    return [_plain(chance, _SMALL_BYTES) for _ in range(count)]


def _plain(chance: random.Random, size_bytes: int) -> bytes:
    header = _header(chance)
    return header + b"Content-Type: text/plain\n\n" + _text(chance, size_bytes - len(header))


def _attached(chance: random.Random, content: bytes, filename: str) -> bytes:
    boundary = f"=_{chance.getrandbits(64):016x}"
    lines = (
        base64.b64encode(content[start : start + _BASE64_LINE_BYTES])
        for start in range(0, len(content), _BASE64_LINE_BYTES)
    )
    pieces = [
        _header(chance),
        f'Content-Type: multipart/mixed; boundary="{boundary}"\n\n--{boundary}\n'.encode(),
        b"Content-Type: text/plain\n\n" + _text(chance, 1_000),
        f"\n--{boundary}\nContent-Type: application/octet-stream\n".encode(),
        f'Content-Disposition: attachment; filename="{filename}"\n'.encode(),
        b"Content-Transfer-Encoding: base64\n\n",
        b"\n".join(lines),
        f"\n--{boundary}--\n".encode(),
    ]
    return b"".join(pieces)


def _header(chance: random.Random) -> bytes:
    number = chance.getrandbits(48)
    fields = [
        "Received: from client.example (192.0.2.1) by mx.example.net; 22 Nov 2026 12:00:00 -0000",
        "From: Sender <sender@example.org>",
        "To: User <user@example.net>",
        f"Subject: measurement {number}",
        "Date: Sun, 22 Nov 2026 12:00:00 +0000",
        f"Message-ID: <{number}@example.org>",
        "MIME-Version: 1.0",
    ]
    return "".join(f"{field}\n" for field in fields).encode("ascii")


def _text(chance: random.Random, size_bytes: int) -> bytes:
    lines = []
    while size_bytes > 0:
        line = " ".join(_word(chance) for _ in range(_LINE_WORDS)) + "\n"
        lines.append(line[-size_bytes:])
        size_bytes -= len(lines[-1])
    return "".join(lines).encode("ascii")


def _word(chance: random.Random) -> str:
    letters = chance.choices("etaoinshrdlucmfwyp", k=chance.randint(1, _MAX_WORD_LETTERS))
    return "".join(letters)


def _zip(chance: random.Random) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            member = zipfile.ZipInfo(f"paper-{number}.dat", (2026, 11, 22, 12, 0, 0))
            archive.writestr(member, chance.randbytes(_ZIP_BYTES // 5))
    return octets.getvalue()
