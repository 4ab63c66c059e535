"""Our reader against the standard library's, and what looking at a message costs in process.

    .venv/bin/python bench/reader_bench.py [--rounds N]

The first table: one message read, every part decoded. Ours reads in every way that is worth it and
yields the leaves; `email` parses with its quickest policy (compat32) and decodes each part.
The second one: all that a message pays before scanners are asked, stage by stage, with the default
settings. Each figure is the median of several rounds of CPU time of this process.
"""

import argparse
import base64
import email
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from email import policy
from itertools import cycle

from mailwarden.message.leaves import leaves
from mailwarden.message.readings import read_every_way
from mailwarden.pipeline.extraction import Extraction, SortedLeaf, sort_leaves
from mailwarden.pipeline.options import path_options
from mailwarden.settings.model import Settings
from mailwarden.unpack.contents import Contents
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.attachments import check_attachments
from mailwarden.verdict.message_facts import message_facts
from mailwarden.verdict.structure import check_structure
from mailwarden.wire.envelope import Envelope

OPTIONS = path_options(Settings())
LIMITS = replace(OPTIONS.reading, parts=5_000)  # the bench has one more than the default allows
# More than the reader remembers; it remembers some 2,000 headers of parts.
NEW_NAMES = 4_000
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


def many_parts(count: int, first: int = 0) -> bytes:
    """Return that many small parts, each with its own name, numbered from `first` on."""
    parts = (
        b"--=_bench\nContent-Type: text/plain; charset=utf-8\n"
        b'Content-Disposition: attachment; filename="note-%d.txt"\n'
        b"Content-Transfer-Encoding: quoted-printable\n\nNote =3D %d\n" % (number, number)
        for number in range(first, first + count)
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


def stages_of(raw: bytes) -> dict[str, Callable[[], object]]:
    """Return each stage of the path in process, given what those before it found."""
    arrival = Arrival("", Envelope(b"a@a.example", (b"b@b.example",)), Origin(), raw, len(raw), 0)
    rules = OPTIONS.site.attachments
    readings = read_every_way(raw, LIMITS)
    found = leaves(readings)
    sorted_leaves = sort_leaves(found, raw)
    contents = _contents(sorted_leaves)
    facts = message_facts(arrival, (), rules.field_names)
    return {
        "read": lambda: read_every_way(raw, LIMITS),
        "decode": lambda: leaves(readings),
        "types": lambda: sort_leaves(found, raw),
        "structure": lambda: check_structure(readings, found, frozenset()),
        "items": lambda: _contents(sorted_leaves),
        "facts": lambda: message_facts(arrival, (), rules.field_names),
        "rules": lambda: check_attachments(contents, rules, facts),
    }


def _contents(sorted_leaves: Iterable[SortedLeaf]) -> Contents:
    """What the path knows of leaves that hold nothing else; none of the bench's does."""
    extraction = Extraction()
    for one in sorted_leaves:
        extraction.add_leaf(one)
    return extraction.contents


def milliseconds(call: Callable[[], object], rounds: int) -> float:
    """Return the median time of one call."""
    return statistics.median(_round(call) for _ in range(rounds))


def _round(call: Callable[[], object]) -> float:
    count = 0
    started = time.process_time()
    while (spent := time.process_time() - started) < ROUND_SECONDS:
        call()
        count += 1
    return spent / count * 1_000


def compare(messages: dict[str, Sequence[bytes]], rounds: int) -> None:
    """Print the table of both readers."""
    print(f"| {'message':<17} | ours ms | email ms | times faster |")
    print("| :-- | --: | --: | --: |")
    for name, raws in messages.items():
        ours, theirs = _of_both(raws, rounds)
        print(f"| {name:<17} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.1f} |")


def _of_both(raws: Sequence[bytes], rounds: int) -> tuple[float, float]:
    """Measure both readers round by round in turns, so that neighbours disturb both alike."""
    mine, other = cycle(raws), cycle(raws)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_round(lambda: read_with_ours(next(mine))))
        theirs.append(_round(lambda: read_with_email(next(other))))
    return statistics.median(ours), statistics.median(theirs)


def show_stages(messages: dict[str, Sequence[bytes]], rounds: int) -> None:
    """Print the table of stages, in microseconds."""
    names = tuple(stages_of(b""))
    print(f"| {'CPU us':<17} | {' | '.join(names)} | together |")
    print(f"| :-- {'| --: ' * len(names)}| --: |")
    for name, (raw, *_) in messages.items():
        spent = [milliseconds(stage, rounds) * 1_000 for stage in stages_of(raw).values()]
        row = " | ".join(f"{microseconds:,.0f}" for microseconds in (*spent, sum(spent)))
        print(f"| {name:<17} | {row} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds for each figure")
    rounds = parser.parse_args().rounds
    messages: dict[str, Sequence[bytes]] = {
        "5 KB of text": (text_mail(),),
        "20 parts": (many_parts(20),),
        # Names that the reader has not seen lately.
        "20 parts, new": tuple(many_parts(20, first) for first in range(0, NEW_NAMES, 20)),
        "500 KB attached": (attachment_mail(500_000),),
        "10 MB attached": (attachment_mail(10_000_000),),
        "2,000 parts, new": (many_parts(2_000), many_parts(2_000, first=2_000)),
    }
    gc.freeze()  # as a worker does when it begins
    compare(messages, rounds)
    print()
    show_stages(messages, rounds)


if __name__ == "__main__":
    main()
