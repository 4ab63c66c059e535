"""What is written on a message: edits only, and nobody's bytes can forge what is ours."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.edits import Edit, apply_edits
from mailwarden.message.encoded_words import decode_words
from mailwarden.message.headers import read_header, value_of
from mailwarden.message.limits import ReadingLimits
from mailwarden.pipeline.examine import Examination, Share
from mailwarden.pipeline.options import path_options
from mailwarden.pipeline.writing import edits_for, result_string
from mailwarden.settings.model import Settings
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.decide import Decision, Reason, decide
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Answer, Fault, Finding, Kind, Report, SpamScore
from support.arrivals import (
    AWAY,
    CLEAN,
    INFECTED,
    SENDER,
    STRANGER,
    ScriptedScanner,
    arrival_of,
    score_of,
    scored,
    settings_of,
    spam_scanner,
    written,
)
from support.spamassassin import read_relays

LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=10, depth=5)
MESSAGE = b"From: ann@sender.example\nSubject: Hello\n\nbody\n"
QUIET = settings_of(headers={"received": False})
TAGGING = settings_of(headers={"received": False}, spam={"subject": "SPAM *** "})
DESCRIBING = settings_of(headers={"descriptive": "all"}, spam={"subject": "SPAM *** "})
SPAM = score_of("7.5", "5", "GTUBE", "BAYES_99")
HAM = score_of("0.4", "5")

# Everything that could end a line, a comment, a bracket, a token or a field.
HOSTILE = (
    b"x\nX-Spam-Status: No",
    b"x\r\n\r\nbody",
    b"x\r",
    b"a) by evil (b) with SMTP; 1 Jan 2000 00:00:00 -0000",
    b"> (c) <d",
    b"\\)(\\",
    b'"quoted" <a@b>',
    b"[10.0.0.1]",
    b"\xff\xfe\0\x1b[31m",
    b"x" * 1_003,
    b"envelope-from=forged@evil.example",
    b"helo=forged",
    b"a with local for b",
    b"a;b",
    b"=?utf-8?q?=0AX-Evil:_1?=",
    "ü\u2028\u0085x".encode(),
    b" ",
    b"#@[]",
)


def found_in(
    message: bytes | Arrival,
    score: SpamScore | None = None,
    *,
    settings: Settings = QUIET,
    report: Report | None = None,
) -> Examination:
    """An examination as the examiner gives it, of a report of the test's own."""
    arrival = message if isinstance(message, Arrival) else arrival_of(message)
    report = report or Report(score=score)
    decision = decide(report, path_options(settings).site.profile, arrival.origin)
    record = Record(arrival, report, decision, "", 0.036002)
    options = path_options(settings).site
    header = read_header(arrival.raw, 0, len(arrival.raw), LIMITS)
    return Examination((Share(record, options),), header)


def written_edits(found: Examination, settings: Settings) -> tuple[Edit, ...]:
    return edits_for(found.record, found.header, settings)


def write(raw: bytes, score: SpamScore | None, settings: Settings = QUIET) -> bytes:
    return apply_edits(raw, written_edits(found_in(raw, score, settings=settings), settings))


def fields_of(message: bytes) -> list[tuple[bytes, bytes]]:
    """Name and value of each header field, folds undone."""
    header = read_header(message, 0, len(message), LIMITS)
    return [(field.name, value_of(message, field)) for field in header.fields]


def values_of(message: bytes, name: bytes) -> list[bytes]:
    return [value for field, value in fields_of(message) if field.lower() == name.lower()]


def undo(output: bytes, raw: bytes, edits: tuple[Edit, ...]) -> bytes:
    """Take our bytes out of the output again and put the replaced ones back."""
    restored, position, shift = b"", 0, 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        start = edit.start + shift
        restored += output[position:start] + raw[edit.start : edit.end]
        position = start + len(edit.octets)
        shift += len(edit.octets) - (edit.end - edit.start)
    return restored + output[position:]


# --- nothing but edits ---

CAUSES = (
    Finding("clamd", Kind.VIRUS, "Eicar"),
    Finding("check", Kind.POLICY, "x\ny", filename="\udc80"),
    Finding("spamd", Kind.UNSCORED, "size"),
    Fault("clamd", "no usable answer"),
)
TEXTS = st.text(max_size=30)
SCORES = st.builds(
    SpamScore,
    by=st.just("spamd"),
    score=st.decimals(-10, 60, places=2),
    required=st.just(Decimal(5)),
    tests=st.lists(TEXTS, max_size=30).map(tuple),
    text=TEXTS,
    fields=st.sampled_from(((), (b"X-Spam-Status: Yes\n",), (b"Subject: [SPAM]\n",))),
)
REASONS = st.lists(
    st.builds(Reason, st.sampled_from(CAUSES), st.sampled_from(Disposition)), max_size=4
)
LINES = (
    b"Subject: x\n", b"subject:\r\n", b"SUBJECT :y", b"X-Spam-Status: No\n", b"X-Spam-Flag:", b"\n",
    b"\r\n", b" fold\n", b"\tfold\r\n", b"\r", b"\0", b"body",
)  # fmt: skip
HEADERS = st.lists(st.sampled_from(LINES), max_size=12).map(b"".join)
SETTINGS = st.sampled_from(
    (
        QUIET,
        TAGGING,
        DESCRIBING,
        settings_of(spam={"subject": "Späm", "report": True, "delta": 1}),
        settings_of(headers={"prefix": "X-Antivirus-MYDOMAIN", "descriptive": "yes"}),
    )
)


@given(
    raw=st.binary(max_size=200) | HEADERS,
    reasons=REASONS,
    score=st.none() | SCORES,
    settings=SETTINGS,
    sender=st.binary(max_size=40),
)
def test_whatever_is_decided_without_our_bytes_the_message_is_the_original(
    raw: bytes,
    reasons: list[Reason],
    score: SpamScore | None,
    settings: Settings,
    sender: bytes,
) -> None:
    found = found_in(arrival_of(raw, sender=sender), score, settings=settings)
    decision = Decision(Disposition.TAG, tuple(reasons))
    edits = edits_for(replace(found.record, decision=decision), found.header, settings)
    replaced = [edit for edit in edits if edit.start != edit.end]
    assert undo(apply_edits(raw, edits), raw, edits) == raw
    assert len(replaced) <= (1 if score and score.fields else 0)


@pytest.mark.parametrize("raw", [b"", b"\n", MESSAGE, b"X-Spam-Status: Yes\nSubject: x\n\n"])
def test_where_nothing_is_wanted_nothing_is_changed(raw: bytes) -> None:
    found = found_in(arrival_of(raw, variables={**STRANGER, "RELAYCLIENT": b""}))
    assert written_edits(found, QUIET) == ()


@pytest.mark.parametrize("end_of_line", [b"\n", b"\r\n"])
def test_our_fields_end_their_lines_as_the_message_does(end_of_line: bytes) -> None:
    raw = MESSAGE.replace(b"\n", end_of_line)
    tests = [f"A_RULE_WITH_A_LONG_NAME_{number}" for number in range(20)]
    score = replace(score_of("9", "5", *tests), text="a\nb\n")
    settings = settings_of(spam={"subject": "SPAM", "report": True}, headers={"descriptive": "all"})
    output = write(raw, score, settings)
    assert output.count(end_of_line) == output.count(b"\n")
    assert output.endswith(raw.partition(b"Hello")[2])


# --- Received ---


def received(
    host: bytes = b"",
    ip: bytes = b"192.0.2.7",
    *,
    sender: bytes = SENDER,
    report: Report | None = None,
) -> bytes:
    """What is put on top by default."""
    variables = {"TCPREMOTEIP": ip, "TCPREMOTEHOST": host}
    arrival = arrival_of(MESSAGE, variables=variables, sender=sender)
    return written_edits(found_in(arrival, report=report), settings_of())[0].octets


async def test_received_has_the_shape_of_the_original() -> None:
    clamd, spamd = ScriptedScanner(CLEAN), spam_scanner(scored("-4.4"))
    output = await written(MESSAGE, scanners=(clamd, spamd))
    assert re.match(
        rb"Received: from 192\.0\.2\.7 by mx\.recipient\.example "
        rb"\(envelope-from <ann@sender\.example>, uid 201\) with qmail-scanner-mailwarden-\S+ \n"
        rb" \(clamdscan: 1\.4\.6/27\. spamassassin: 4\.0\.1\. \n"
        rb" Clear:RC:0\(192\.0\.2\.7\):SA:0\(-4\.4/5\):\. \n"
        rb" Processed in \d+\.\d{6} secs\); 02 May 2007 17:10:37 -0000\n"
        rb"X-Spam-Status: No, score=-4\.4 required=5\n" + MESSAGE + b"$",
        output,
    )


QMAIL_RECEIVED = (
    b"Received: from unknown (HELO mail.sender.example) (192.0.2.7)\n"
    b"  by mx.recipient.example with SMTP; 2 May 2007 17:10:37 -0000\n"
)


def test_spamassassin_reads_the_relays_as_if_our_field_were_absent(tmp_path: Path) -> None:
    hosts = [b"mail.sender.example", *HOSTILE]
    fields = [received(host) for host in hosts]
    fields += [received(sender=sender) for sender in HOSTILE]
    fields += [received(ip=ip) for ip in HOSTILE]
    for version in HOSTILE:
        report = Report(asked=(version.decode("latin-1"),))
        fields.append(received(report=report))
    absent, *present = read_relays(
        tmp_path,
        [QMAIL_RECEIVED + MESSAGE, *(field + QMAIL_RECEIVED + MESSAGE for field in fields)],
    )
    assert "ip=192.0.2.7" in absent.untrusted
    assert len(present) == len(fields)
    for field, relays in zip(fields, present, strict=True):
        assert relays.without_sender() == absent.without_sender(), field


def test_spamassassin_takes_the_envelope_sender_over_from_our_field(tmp_path: Path) -> None:
    hosts = b"", b"envelope-from=forged@evil.example", b"helo=forged.example"
    fields = [received(host, sender=b"ann@sender.example") for host in hosts]
    for relays in read_relays(tmp_path, [field + QMAIL_RECEIVED + MESSAGE for field in fields]):
        assert relays.envelope_from == "ann@sender.example"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_bytes_break_the_shape_of_received(hostile: bytes) -> None:
    report = Report(asked=(hostile.decode("latin-1"),), score=SPAM)
    field = received(hostile, hostile, sender=hostile, report=report).partition(
        b"X-Spam-Status: Yes"
    )[0]
    assert re.fullmatch(
        rb"Received: from [^ ()\n]+ by mx\.recipient\.example \([^()\n]{1,100}\) with \S+ \n"
        rb" \([^()\n]* \n"
        rb" Clear:RC:0\([^ ()\n]{1,64}\):SA:1\(7\.5/5\):\. \n"
        rb" Processed in 0\.036002 secs\); 02 May 2007 17:10:37 -0000\n",
        field,
    )
    assert max(map(len, field.split(b"\n"))) <= 998


def test_a_sender_too_long_for_spamassassin_is_left_out() -> None:
    longest = b"a" * (100 - len("envelope-from <>, uid 201"))
    assert b"(envelope-from <" + longest + b">, uid 201)" in received(sender=longest)
    assert b"(uid 201)" in received(sender=longest + b"a")


def test_received_can_be_left_out() -> None:
    assert written_edits(found_in(MESSAGE), QUIET) == ()


@pytest.mark.parametrize(
    ("variables", "report", "expected"),
    [
        (STRANGER, Report(), "Clear:RC:0(192.0.2.7):."),
        ({}, Report(), "Clear:RC:0(127.0.0.1):."),
        ({**STRANGER, "RELAYCLIENT": b""}, Report(), "Clear:RC:1(192.0.2.7):."),
        (STRANGER, Report(score=SPAM), "Clear:RC:0(192.0.2.7):SA:1(7.5/5):."),
        (STRANGER, Report(score=HAM), "Clear:RC:0(192.0.2.7):SA:0(0.4/5):."),
        (
            STRANGER,
            Report(findings=(Finding("spamd", Kind.UNSCORED, "size"),)),
            "Clear:RC:0(192.0.2.7):SA:0(?/?):.",
        ),
        ({"TCPREMOTEIP": b"2001:db8::1"}, Report(), "Clear:RC:0(2001:db8::1):."),
        (
            STRANGER,
            Report(score=SpamScore("spamd", Decimal("1E-7"), Decimal("1E+1"))),
            "Clear:RC:0(192.0.2.7):SA:0(0.0000001/10):.",
        ),
    ],
)
def test_the_result_string_is_the_originals(
    variables: Mapping[str, bytes], report: Report, expected: str
) -> None:
    assert (
        result_string(found_in(arrival_of(b"", variables=variables), report=report).record)
        == expected
    )


# --- X-Spam fields ---


def test_spam_is_said_in_the_fields_that_filters_know() -> None:
    assert fields_of(write(MESSAGE, SPAM))[:2] == [
        (b"X-Spam-Status", b"Yes, score=7.5 required=5 tests=GTUBE,BAYES_99"),
        (b"X-Spam-Level", b"*******"),
    ]


@pytest.mark.parametrize(
    ("points", "stars"),
    [("-3", 0), ("0.9", 0), ("1", 1), ("4.99", 4), ("50", 50), ("51", 50), ("999999999999", 50)],
)
def test_the_level_has_a_star_for_each_whole_point(points: str, stars: int) -> None:
    levels = values_of(write(MESSAGE, score_of(points, "5")), b"X-Spam-Level")
    assert levels == ([b"*" * stars] if stars else [])


def test_many_tests_are_folded_after_commas_and_all_are_there() -> None:
    tests = [f"RULE_{number}" for number in range(500)]
    output = write(MESSAGE, score_of("9", "5", *tests))
    (status,) = values_of(output, b"X-Spam-Status")
    assert status.partition(b"tests=")[2].replace(b"\t", b"").decode() == ",".join(tests)
    assert max(map(len, output.split(b"\n"))) <= 78


def test_a_report_is_written_on_spam_where_it_is_wanted() -> None:
    settings = settings_of(headers={"received": False}, spam={"report": True})
    score = replace(SPAM, text="pts rule\n\n 1.0 GTUBE\n" + " " * 2_000 + "x\nü\n")
    output = write(MESSAGE, score, settings)
    assert b"X-Spam-Report:\n\tpts rule\n\t.\n\t 1.0 GTUBE\n\t.\n\t?\n" in output
    assert not values_of(write(MESSAGE, score), b"X-Spam-Report")
    ham = replace(score, score=Decimal(1))
    assert not values_of(write(MESSAGE, ham, settings), b"X-Spam-Report")


@given(st.lists(st.text(max_size=200), max_size=40).map(tuple), st.text())
def test_no_test_name_and_no_report_adds_a_field_or_ends_the_header(
    tests: tuple[str, ...], text: str
) -> None:
    settings = settings_of(headers={"received": False}, spam={"report": True})
    output = write(MESSAGE, replace(SPAM, tests=tests, text=text), settings)
    names = [name for name, _ in fields_of(output)]
    assert names[:2] == [b"X-Spam-Status", b"X-Spam-Level"]
    assert names[2:] == [b"X-Spam-Report"] * bool(text) + [b"From", b"Subject"]
    assert all(line.strip() for line in output.partition(b"\n\n")[0].split(b"\n"))
    assert output.endswith(b"\n\nbody\n")


def test_what_spamd_wrote_itself_is_taken_over_as_it_is() -> None:
    fields = (b"X-Spam-Status: Yes, score=9\n\ttests=GTUBE\n", b"X-Spam-Flag: YES\n")
    score = replace(SPAM, fields=(*fields, b"Subject: [SPAM] Hello\n"))
    output = write(
        MESSAGE, score, settings_of(headers={"received": False}, spamd={"mode": "verbose"})
    )
    assert output == (
        b"".join(fields) + b"From: ann@sender.example\nSubject: [SPAM] Hello\n\nbody\n"
    )


def test_what_spamd_wrote_gets_the_messages_line_ends() -> None:
    score = replace(SPAM, fields=(b"X-Spam-A: 1\n\t2\n", b"Subject : [SPAM]\n\tx\n"))
    output = write(MESSAGE.replace(b"\n", b"\r\n"), score)
    assert output.count(b"\r\n") == output.count(b"\n") == 7
    assert values_of(output, b"Subject") == [b"[SPAM]\tx"]


def test_spamds_subject_is_put_on_top_where_the_message_has_none() -> None:
    score = replace(SPAM, fields=(b"X-Spam-Flag: YES\n", b"Subject: [SPAM]\n"))
    output = write(b"From: a@b.example\n\nx\n", score)
    assert output == b"X-Spam-Flag: YES\nSubject: [SPAM]\nFrom: a@b.example\n\nx\n"


def test_of_spamds_subjects_only_one_is_taken_and_only_the_first_is_replaced() -> None:
    score = replace(SPAM, fields=(b"Subject: [A]\n", b"Subject: [B]\n"))
    assert write(b"Subject: 1\nSubject: 2\n\n", score) == b"Subject: [A]\nSubject: 2\n\n"


def test_a_score_without_fields_of_its_own_is_written_down_in_any_mode() -> None:
    verbose = settings_of(headers={"received": False}, spamd={"mode": "verbose"})
    assert values_of(write(MESSAGE, SPAM, verbose), b"X-Spam-Status")


# --- renamed fields ---

FORGED = (
    b"X-Spam-Status: No\nSubject: x\nx-spam-LEVEL :\nX-Spammer: stays\nX-Spam: stays\n"
    b"X-Spam-Report: a\n\tb\n\nX-Spam-Status: in the body\n"
)


@pytest.mark.parametrize("score", [SPAM, HAM, None])
def test_forged_spam_fields_are_moved_aside(score: SpamScore | None) -> None:
    output = write(FORGED, score)
    own = output[: output.index(b"X-Mailwarden-MOVED-")]
    assert output == own + (
        b"X-Mailwarden-MOVED-X-Spam-Status: No\nSubject: x\nX-Mailwarden-MOVED-x-spam-LEVEL :\n"
        b"X-Spammer: stays\nX-Spam: stays\nX-Mailwarden-MOVED-X-Spam-Report: a\n\tb\n\n"
        b"X-Spam-Status: in the body\n"
    )


@pytest.mark.parametrize(
    ("variables", "moved"),
    [
        (STRANGER, True),
        ({**STRANGER, "RELAYCLIENT": b""}, False),
        ({**STRANGER, "RELAYCLIENT": b"", "QS_SPAMASSASSIN": b"on"}, True),
        ({}, False),
    ],
)
def test_the_fields_of_those_who_are_not_scored_stay(
    variables: Mapping[str, bytes], moved: bool
) -> None:
    edits = written_edits(found_in(arrival_of(FORGED, variables=variables)), QUIET)
    assert (apply_edits(FORGED, edits) != FORGED) is moved


def test_the_fields_stay_where_no_spam_scanner_is_asked() -> None:
    settings = settings_of(headers={"received": False}, scanners=["clamd"])
    assert write(FORGED, None, settings) == FORGED


def test_the_prefix_of_moved_fields_is_the_sites() -> None:
    settings = settings_of(headers={"received": False, "prefix": "X-Antivirus-MYDOMAIN"})
    assert write(FORGED, None, settings).startswith(b"X-Antivirus-MYDOMAIN-MOVED-X-Spam-Status: No")


# --- subject ---


def tagged(subject: bytes, settings: Settings = TAGGING, score: SpamScore | None = SPAM) -> bytes:
    """The header field `subject` as it is delivered."""
    raw = b"From: a@b.example\n" + subject + b"To: b@b.example\n\nbody\n"
    output = write(raw, score, settings)
    return output.partition(b"From: a@b.example\n")[2].partition(b"To:")[0]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"Subject: Hello\n", b"Subject: SPAM *** Hello\n"),
        (b"Subject:Hello\n", b"Subject: SPAM *** Hello\n"),
        (b"subject :  Hello\n", b"subject :  SPAM *** Hello\n"),
        (b"Subject:\tHello\n", b"Subject:\tSPAM *** Hello\n"),
        (b"Subject: =?utf-8?q?H=C3=A9?=\n", b"Subject: SPAM *** =?utf-8?q?H=C3=A9?=\n"),
        (b"Subject: a\n b\n\tc\n", b"Subject: SPAM *** a\n b\n\tc\n"),
        (b"Subject:\n Hello\n", b"Subject: SPAM ***\n Hello\n"),
        (b"Subject: \r\n\tHello\n", b"Subject: SPAM *** \r\n\tHello\n"),
        (b"Subject:\n", b"Subject: SPAM ***\n"),
        (b"Subject: \n", b"Subject: SPAM *** \n"),
        (b"Subject: \xff\0\n", b"Subject: SPAM *** \xff\0\n"),
        (b"Subject: SPAM *** x\n", b"Subject: SPAM *** SPAM *** x\n"),
        (
            b"Subject: a\nSUBJECT: b\nSubject:\n",
            b"Subject: SPAM *** a\nSUBJECT: SPAM *** b\nSubject: SPAM ***\n",
        ),
    ],
)
def test_the_tag_stands_before_whatever_the_subject_says(subject: bytes, expected: bytes) -> None:
    assert tagged(subject) == expected


@pytest.mark.parametrize("raw", [b"", b"\n", b"\nbody\n", b"From: a@b.example\n\nSubject: no\n"])
def test_a_message_without_a_subject_gets_one(raw: bytes) -> None:
    output = write(raw, SPAM, TAGGING)
    assert output.endswith(b"\nSubject: SPAM ***\n" + raw)
    assert values_of(output, b"Subject") == [b"SPAM ***"]


def test_a_subject_at_the_very_end_of_the_message_is_tagged() -> None:
    assert write(b"Subject:", SPAM, TAGGING).endswith(b"\nSubject: SPAM ***")
    assert write(b"Subject: x", SPAM, TAGGING).endswith(b"\nSubject: SPAM *** x")


def test_a_folded_crlf_subject_is_tagged_before_the_fold() -> None:
    raw = b"Subject:\r\n Hello\r\n\r\nbody\r\n"
    assert write(raw, SPAM, TAGGING).endswith(b"\r\nSubject: SPAM ***\r\n Hello\r\n\r\nbody\r\n")


@pytest.mark.parametrize(
    ("points", "level"), [("5", b"LOW"), ("5.4", b"LOW"), ("5.5", b"MEDIUM"), ("6", b"HIGH")]
)
def test_the_level_stands_after_the_tag(points: str, level: bytes) -> None:
    settings = settings_of(spam={"subject": "SPAM *** ", "delta": Decimal("0.5")})
    expected = b"Subject: SPAM *** " + level + b" Hello\n"
    assert tagged(b"Subject: Hello\n", settings, score_of(points, "5")) == expected


def test_the_words_for_the_levels_are_the_administrators() -> None:
    spam = {"subject": "SPAM ", "delta": Decimal("0.5"), "levels": ["maybe", "likely", "sure"]}
    settings = settings_of(spam=spam)
    for points, word in (("5", b"maybe"), ("5.5", b"likely"), ("6", b"sure")):
        field = tagged(b"Subject: Hello\n", settings, score_of(points, "5"))
        assert field == b"Subject: SPAM " + word + b" Hello\n"


@pytest.mark.parametrize(
    "subject", [b"Hello", b"=?utf-8?q?H=C3=A9llo?=", b"", b"\n Hello", b"\n =?utf-8?q?Hello?="]
)
def test_a_tag_beyond_ascii_is_encoded_and_read_back_before_any_subject(subject: bytes) -> None:
    settings = settings_of(spam={"subject": "Späm! "})
    field = tagged(b"Subject: " + subject + b"\n", settings)
    assert field.isascii()
    text = decode_words(field.partition(b":")[2].strip().replace(b"\n", b""))
    assert re.fullmatch(
        r"Späm! +" + decode_words(subject.strip()), text.strip() + " " * (not subject)
    )


@pytest.mark.parametrize(
    ("settings", "score"),
    [(TAGGING, HAM), (TAGGING, None), (QUIET, SPAM), (settings_of(spam={"subject": "  "}), SPAM)],
)
def test_a_subject_stays_when_it_is_no_spam_or_there_is_no_tag(
    settings: Settings, score: SpamScore | None
) -> None:
    assert tagged(b"Subject: Hello\n", settings, score) == b"Subject: Hello\n"


def test_the_blank_behind_an_encoded_tag_stands_inside_for_readers_drop_it_outside() -> None:
    settings = settings_of(spam={"subject": "Späm"})
    subject = b"=?utf-8?q?Hello?="
    field = tagged(b"Subject: " + subject + b"\n", settings)
    assert field == b"Subject: =?UTF-8?B?U3DDpG0g?= =?utf-8?q?Hello?=\n"
    assert decode_words(field) == "Subject: Späm Hello\n"


@given(st.binary(max_size=60).filter(lambda subject: b"\n" not in subject))
def test_any_subject_keeps_its_bytes_behind_the_tag(subject: bytes) -> None:
    field = tagged(b"Subject: " + subject + b"\n")
    assert field.replace(b"SPAM *** ", b"", 1).replace(b" SPAM ***", b"", 1) == (
        b"Subject: " + subject + b"\n"
    ) or field.startswith(b"Subject: SPAM ***")
    assert field.count(b"\n") == 1


# --- our own fields ---


async def test_what_was_not_scanned_or_not_scored_says_so() -> None:
    settings = settings_of(headers={"received": False}, clamd={"on_fault": "tag"})
    unscored = Answer(findings=(Finding("spamd", Kind.UNSCORED, "size"),))
    scanners = ScriptedScanner(AWAY), spam_scanner(unscored)
    output = await written(MESSAGE, settings=settings, scanners=scanners)
    assert sorted(fields_of(output)[:2]) == [
        (b"X-Mailwarden-Unscanned", b"clamd: no usable answer"),
        (b"X-Mailwarden-Unscored", b"spamd: size"),
    ]


async def test_a_finding_that_is_only_tagged_is_named() -> None:
    settings = settings_of(headers={"received": False}, dispositions={"virus": "tag"})
    finding = Finding("clamd", Kind.VIRUS, "Worm\r\nX-Evil: yes\0")
    scanners = (ScriptedScanner(Answer((finding,))),)
    output = await written(MESSAGE, settings=settings, scanners=scanners)
    assert output == b"X-Mailwarden-Found: virus:Worm??X-Evil: yes?\n" + MESSAGE


async def test_a_fault_is_never_called_clear_however_it_was_disposed_of() -> None:
    for on_fault in ("accept", "tag"):
        settings = settings_of(clamd={"on_fault": on_fault}, headers={"descriptive": "yes"})
        output = await written(MESSAGE, settings=settings, scanners=(ScriptedScanner(AWAY),))
        assert b"Clear:" not in output
        assert output.count(b"Unscanned:RC:") == 2


async def test_a_finding_that_passes_tagged_is_named_in_the_result() -> None:
    settings = settings_of(dispositions={"virus": "tag"})
    output = await written(MESSAGE, settings=settings, scanners=(ScriptedScanner(INFECTED),))
    assert b"CLAMD:Eicar-Test-Signature:RC:" in output
    assert b"Clear:" not in output


async def test_an_accepted_fault_has_no_field_of_its_own() -> None:
    settings = settings_of(headers={"received": False}, clamd={"on_fault": "accept"})
    assert await written(MESSAGE, settings=settings, scanners=(ScriptedScanner(AWAY),)) == MESSAGE


@pytest.mark.parametrize("descriptive", ["no", "yes", "all"])
def test_descriptive_fields_name_recipients_only_when_all_are_wanted(descriptive: str) -> None:
    settings = settings_of(headers={"received": False, "descriptive": descriptive})
    fields = fields_of(write(MESSAGE, HAM, settings))
    ours = [field for field in fields if field[0].startswith(b"X-Mailwarden")]
    expected = [
        (b"X-Mailwarden-Mail-From", b"ann@sender.example via mx.recipient.example"),
        (b"X-Mailwarden-Rcpt-To", b"bob@recipient.example"),
    ]
    assert ours[:-2] == {"no": [], "yes": expected[:1], "all": expected}[descriptive]
    assert [name for name, _ in ours[-2:]] == (
        [] if descriptive == "no" else [b"X-Mailwarden", b"X-Mailwarden-Id"]
    )


def test_the_result_field_has_the_originals_shape() -> None:
    settings = settings_of(headers={"descriptive": "yes", "prefix": "X-Antivirus-MYDOMAIN"})
    (result,) = values_of(write(MESSAGE, HAM, settings), b"X-Antivirus-MYDOMAIN")
    assert re.fullmatch(
        rb"\S+ \(Clear:RC:0\(192\.0\.2\.7\):SA:0\(0\.4/5\):\. "
        rb"Processed in 0\.036002 secs Process 7304\)",
        result,
    )


def test_this_machines_name_cannot_break_a_field_either() -> None:
    """The default is the kernel's word, `(none)` where nobody gave a name; no type checks it."""
    headers = DESCRIBING.headers.model_copy(update={"hostname": "(none)\nX-Evil: yes"})
    settings = DESCRIBING.model_copy(update={"headers": headers})
    output = write(MESSAGE, None, settings)
    assert b" by !none!!X-Evil:!yes (envelope-from" in output
    assert values_of(output, b"X-Mailwarden-Mail-From") == [
        b"ann@sender.example via !none!!X-Evil:!yes"
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_envelope_adds_a_field_or_breaks_one(hostile: bytes) -> None:
    arrival = arrival_of(MESSAGE, sender=hostile, recipients=[hostile] * 10_000)
    found = found_in(arrival, SPAM, settings=DESCRIBING)
    output = apply_edits(MESSAGE, written_edits(found, DESCRIBING))
    assert [name for name, _ in fields_of(output)] == [
        b"Received", b"X-Spam-Status", b"X-Spam-Level", b"X-Mailwarden-Mail-From",
        b"X-Mailwarden-Rcpt-To", b"X-Mailwarden", b"X-Mailwarden-Id", b"From", b"Subject",
    ]  # fmt: skip
    assert output.endswith(b"\n\nbody\n")
    assert max(map(len, output.split(b"\n"))) <= 998
    assert output.isascii()


def test_the_fields_on_top_come_in_the_originals_order() -> None:
    report = Report(findings=(Finding("check", Kind.POLICY, "x"),), score=replace(SPAM, text="t\n"))
    settings = settings_of(
        spam={"report": True, "subject": "S"},
        headers={"descriptive": "all"},
        dispositions={"policy": "tag"},
    )
    raw = b"To: b@b.example\n\n"
    found = found_in(raw, settings=settings, report=report)
    assert [name for name, _ in fields_of(apply_edits(raw, written_edits(found, settings)))] == [
        b"Received", b"X-Spam-Status", b"X-Spam-Level", b"X-Spam-Report", b"X-Mailwarden-Found",
        b"X-Mailwarden-Mail-From", b"X-Mailwarden-Rcpt-To", b"X-Mailwarden", b"X-Mailwarden-Id",
        b"Subject", b"To",
    ]  # fmt: skip
