"""Our reader against the standard library's: one message read, every part decoded.

    .venv/bin/python bench/reader_bench.py [--rounds N]

Ours reads in every way that is worth it and yields the leaves; `email` parses with its quickest
policy (compat32) and decodes each part. Each figure is the median of several rounds, in
milliseconds of CPU of this process.
"""

import argparse
import base64
import email
import random
import statistics
import time
from collections.abc import Callable
from email import policy

from mailwarden.message.leaves import leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.readings import read_every_way

# As large as the settings' own defaults, but for parts: the bench has one more than 2,000.
LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=5_000, depth=50)
# Short readings are repeated until a round has taken so long, so that the clock can see them.
ROUND_SECONDS = 0.05

HEADER = b"""\
Return-Path: <ann@sender.example>
Delivered-To: bob@recipient.example
Received: (qmail 31337 invoked by uid 89); 3 Mar 2025 10:00:02 -0000
Received: from mx1.sender.example (mx1.sender.example [192.0.2.17])
 by mail.recipient.example with ESMTPS (TLS_AES_256_GCM_SHA384 encrypted);
 3 Mar 2025 10:00:02 -0000
Received: from [10.1.2.3] (unknown [10.1.2.3])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\t(No client certificate requested)
\tby mx1.sender.example (Postfix) with ESMTPSA id 4Yx2Zq1kXnz3
\tfor <bob@recipient.example>; Mon,  3 Mar 2025 10:00:01 +0000 (UTC)
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=sender.example;
\ts=2025; t=1740996001; h=from:subject:date:message-id:to:mime-version;
\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR
\t dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR
X-Virus-Scanned: by a scanner at sender.example
Authentication-Results: mail.recipient.example; dkim=pass header.d=sender.example
Received-SPF: pass (mail.recipient.example: SPF record at sender.example)
From: Ann Sender <ann@sender.example>
To: Bob Recipient <bob@recipient.example>
Cc: Carol <carol@recipient.example>, Dave <dave@recipient.example>
Subject: =?utf-8?Q?Lunch_on_Monday_=E2=80=93_the_usual_place=3F?=
Date: Mon, 3 Mar 2025 10:00:00 +0000
Message-ID: <5f8b1c2e-6d7a-4b1e-9a3f-0c1d2e3f4a5b@sender.example>
In-Reply-To: <0a1b2c3d@recipient.example>
References: <0a1b2c3d@recipient.example> <1b2c3d4e@sender.example>
User-Agent: Mozilla Thunderbird
List-Unsubscribe: <mailto:leave@sender.example>
X-Mailer: none
MIME-Version: 1.0
"""


def text_mail() -> bytes:
    """Return 5 KB of plain text."""
    body = b"See you at noon, at the usual place by the river, if it does not rain.\n" * 50
    return HEADER + b"Content-Type: text/plain; charset=utf-8\n\n" + body


def attachment_mail(size_bytes: int) -> bytes:
    """Return text and a file of that size in base64."""
    octets = random.Random(size_bytes).randbytes(size_bytes)  # noqa: S311 - noise for a bench
    return (
        HEADER
        + b'Content-Type: multipart/mixed; boundary="=_bench"\n\nThis is MIME.\n'
        + b"--=_bench\nContent-Type: text/plain; charset=utf-8\n\nThe file is attached.\n"
        + b'--=_bench\nContent-Type: application/octet-stream; name="noise.bin"\n'
        + b'Content-Disposition: attachment; filename="noise.bin"\n'
        + b"Content-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(octets)
        + b"--=_bench--\n"
    )


def many_parts(count: int) -> bytes:
    """Return that many small parts, each with its own name."""
    parts = (
        b"--=_bench\nContent-Type: text/plain; charset=utf-8\n"
        b'Content-Disposition: attachment; filename="note-%d.txt"\n'
        b"Content-Transfer-Encoding: quoted-printable\n\nNote =3D %d\n" % (number, number)
        for number in range(count)
    )
    top = HEADER + b'Content-Type: multipart/mixed; boundary="=_bench"\n\n'
    return top + b"".join(parts) + b"--=_bench--\n"


def read_with_ours(raw: bytes) -> None:
    """Read a message and decode all of it, as the path does."""
    leaves(read_every_way(raw, LIMITS))


def read_with_email(raw: bytes) -> None:
    """Read a message and decode all of it with the standard library."""
    for part in email.message_from_bytes(raw, policy=policy.compat32).walk():
        part.get_filename()
        part.get_payload(decode=True)


def milliseconds(read: Callable[[bytes], None], raw: bytes, rounds: int) -> float:
    """Return the median time of one reading."""
    return statistics.median(_round(read, raw) for _ in range(rounds))


def _round(read: Callable[[bytes], None], raw: bytes) -> float:
    count = 0
    started = time.process_time()
    while (spent := time.process_time() - started) < ROUND_SECONDS:
        read(raw)
        count += 1
    return spent / count * 1_000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds for each figure")
    rounds = parser.parse_args().rounds
    messages = {
        "5 KB of text": text_mail(),
        "500 KB attached": attachment_mail(500_000),
        "10 MB attached": attachment_mail(10_000_000),
        "2,000 parts": many_parts(2_000),
    }
    print(f"{'message':<18} {'ours ms':>10} {'email ms':>10} {'ratio':>8}")
    for name, raw in messages.items():
        ours = milliseconds(read_with_ours, raw, rounds)
        theirs = milliseconds(read_with_email, raw, rounds)
        print(f"{name:<18} {ours:>10.3f} {theirs:>10.3f} {theirs / ours:>7.1f}x")


if __name__ == "__main__":
    main()
