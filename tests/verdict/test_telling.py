"""Who hears of a blocked message, and who never does."""

import time
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.headers import read_header
from mailwarden.message.limits import ReadingLimits
from mailwarden.settings.per_recipient import NoticeSettings, VirusSettings
from mailwarden.verdict.decide import Cause, Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Fault, Finding, Kind, Report, SpamScore
from mailwarden.verdict.telling import (
    RECIPIENTS_TOLD,
    Audience,
    Notice,
    NoticePolicy,
    is_list_mail,
    whom_to_tell,
)
from support.arrivals import STRANGER, arrival_of

ADMIN = "postmaster@example.net"
VIRUS = Finding("clamd", Kind.VIRUS, "Eicar-Test-Signature")
SILENT_VIRUS = Finding("clamd", Kind.VIRUS, "Win.Worm.MyDoom-5")
POLICY = Finding("attachments", Kind.POLICY, "executable")
ENCRYPTED = Finding("unpack", Kind.ENCRYPTED, "zip")
AWAY = Fault("clamd", "no answer")
SPAM = SpamScore("spamd", Decimal(9), Decimal(5))
RELAYED = {**STRANGER, "RELAYCLIENT": b""}
LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=10, depth=5)


def blocked(
    *causes: Cause,
    sender: bytes = b"ann@example.net",
    recipients: tuple[bytes, ...] = (b"bob@example.net",),
    disposition: Disposition = Disposition.QUARANTINE,
    from_list: bool = False,
    variables: dict[str, bytes] | None = None,
) -> Record:
    """A message from one of our own clients, blocked for these causes."""
    arrival = arrival_of(
        b"x",
        sender=sender,
        recipients=recipients,
        variables=RELAYED if variables is None else variables,
    )
    decision = Decision(disposition, tuple(Reason(cause, disposition) for cause in causes))
    return Record(arrival, Report(), decision, "Hello", 0.1, is_list_mail=from_list)


def policy(*notify: str, **changes: object) -> NoticePolicy:
    made = NoticePolicy(frozenset(notify), ADMIN, silent=VirusSettings().silent)
    return replace(made, **changes)  # type: ignore[arg-type] # each test names a field's own type


def told(record: Record, *notify: str, **changes: object) -> set[str]:
    return {notice.audience.value for notice in whom_to_tell(record, policy(*notify, **changes))}


@pytest.mark.parametrize(
    ("word", "virus", "rule", "spam"),
    [
        ("none", set(), set(), set()),
        ("sender", {"sender"}, {"sender"}, set()),
        ("recips", {"recipients"}, {"recipients"}, {"recipients"}),
        ("admin", {"admin"}, {"admin"}, {"admin"}),
        ("psender", set(), {"sender"}, set()),
        ("precips", set(), {"recipients"}, set()),
        ("nmladm", {"admin"}, {"admin"}, {"admin"}),
        ("nmlvadm", set(), {"admin"}, {"admin"}),
        (
            "all",
            {"sender", "recipients", "admin"},
            {"sender", "recipients", "admin"},
            {"recipients", "admin"},
        ),
    ],
)
def test_each_word_of_notify_tells_whom_it_names(
    word: str, virus: set[str], rule: set[str], spam: set[str]
) -> None:
    assert told(blocked(VIRUS), word) == virus
    assert told(blocked(POLICY), word) == rule
    assert told(blocked(ENCRYPTED), word) == rule
    assert told(blocked(AWAY), word) == rule
    assert told(blocked(SPAM), word) == spam


def test_every_word_of_the_settings_is_known_here() -> None:
    words = NoticeSettings.model_json_schema()["properties"]["notify"]["items"]["enum"]
    silent = {word for word in words if not told(blocked(POLICY), word)}
    assert silent == {"none"}


def test_none_takes_nothing_away_from_what_stands_beside_it() -> None:
    assert told(blocked(VIRUS), "none", "admin") == {"admin"}


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (Disposition.ACCEPT, set()),
        (Disposition.TAG, set()),
        (Disposition.DEFER, set()),
        (Disposition.QUARANTINE, {"sender", "recipients", "admin"}),
        (Disposition.REJECT, {"admin"}),
        (Disposition.DELETE, set()),
    ],
)
def test_nobody_hears_of_what_is_deleted_and_only_the_administrator_of_what_is_rejected(
    disposition: Disposition, expected: set[str]
) -> None:
    assert told(blocked(VIRUS, disposition=disposition), "all") == expected


def test_list_mail_is_told_to_who_wants_all_and_never_to_its_sender() -> None:
    record = blocked(POLICY, from_list=True)
    assert told(record, "nmladm", "nmlvadm", "sender") == set()
    assert told(record, "admin", "sender") == {"admin"}


def test_a_virus_hides_behind_no_other_reason() -> None:
    both = blocked(POLICY, VIRUS)
    assert told(both, "psender", "precips", "nmlvadm") == set()


def test_what_was_released_is_no_virus_any_more() -> None:
    record = blocked(POLICY)
    reasons = (
        *record.decision.reasons,
        Reason(SILENT_VIRUS, Disposition.ACCEPT, released=True),
    )
    released = replace(record, decision=Decision(Disposition.QUARANTINE, reasons))
    assert told(released, "psender") == {"sender"}


def test_silent_viruses_and_spam_are_never_told_to_their_senders() -> None:
    assert told(blocked(SILENT_VIRUS), "sender", "admin") == {"admin"}
    assert told(blocked(SPAM), "sender", "admin") == {"admin"}
    assert told(blocked(POLICY, SPAM), "sender", "psender") == set()
    assert told(blocked(SILENT_VIRUS, SPAM), "sender", silent=()) == {"sender"}


@pytest.mark.parametrize(
    ("variables", "outside_senders", "expected"),
    [
        (STRANGER, False, set()),
        (STRANGER, True, {"sender"}),
        (RELAYED, False, {"sender"}),
        ({}, False, {"sender"}),
        ({"TCPREMOTEIP": b"::1"}, False, {"sender"}),
        # fetchmail: from here, and yet from outside
        ({"TCPREMOTEIP": b"127.0.0.1", "QS_SPAMASSASSIN": b"on"}, False, set()),
        ({**RELAYED, "QS_SPAMASSASSIN": b"on"}, False, set()),
    ],
)
def test_senders_are_told_only_when_they_are_ours(
    variables: dict[str, bytes], outside_senders: bool, expected: set[str]
) -> None:
    record = blocked(POLICY, variables=dict(variables))
    assert told(record, "sender", outside_senders=outside_senders) == expected


UNTOLD = [
    b"",
    b"#@[]",
    b"owner-cats@example.org",
    b"cats-owner@example.org",
    b"cats-request@example.org",
    b"cats-bounces@example.org",
    b"cats-bounces+ann=example.net@example.org",
    b"bounce-12-ann=example.net@example.org",
    b"bounces@example.net",
    b"cats-return-17-ann=example.net@example.org",
    b"cats-return-@example.org-@[]",
    b"cats-errors@example.org",
    b"sentto-1-2-3@example.org",
    b"Majordomo@example.net",
    b"LISTSERV@example.net",
    b"MAILER-DAEMON@example.org",
    b"mailer_daemon@example.org",
    b"postmaster@example.net",
    b"noreply@example.net",
    b"No-Reply@example.org",
    b"drive-shares-noreply@example.org",
    b"do_not_reply+17@example.org",
    b"nobody@example.net",
    b"www-data@example.org",
]


@pytest.mark.parametrize("sender", UNTOLD)
def test_bounces_lists_and_programs_are_never_told(sender: bytes) -> None:
    assert told(blocked(POLICY, sender=sender), "sender", outside_senders=True) == set()


@pytest.mark.parametrize(
    "sender",
    [
        b"ann@example.net",
        b"Ann.Owner@example.net",
        b"bouncer@example.net",
        b"requests@example.net",
        b"returns@example.net",
        b"noreen@example.net",
        b"ann+cats@example.net",
        "jos\u00e9@example.net".encode(),
    ],
)
def test_people_are_told(sender: bytes) -> None:
    (notice,) = whom_to_tell(blocked(POLICY, sender=sender), policy("sender"))
    assert notice == Notice(Audience.SENDER, sender.decode())


@pytest.mark.parametrize(
    "address",
    [
        b"\xff@example.net",
        b"a\nBcc: c@example.net",
        b"a b@example.net",
        b"a\0@example.net",
        b"a,b@example.net",
        b'"a"@example.net',
        b"<a@example.net>",
        b"a@b@example.net",
        b"@example.net",
        b"a@",
        b"example.net",
        b"a\x1b[31m@example.net",
        "a\u202e@example.net".encode(),
        b"a" * 255 + b"@example.net",
    ],
)
def test_what_is_no_plain_address_is_not_told(address: bytes) -> None:
    record = blocked(POLICY, sender=address, recipients=(address,))
    assert told(record, "sender", "recips", local_domains=frozenset({"example.net"})) == set()


def recipients_told(given: Iterable[bytes], **changes: object) -> list[str]:
    record = blocked(POLICY, recipients=tuple(given))
    return [notice.address for notice in whom_to_tell(record, policy("recips", **changes))]


def test_only_recipients_in_local_domains_are_told() -> None:
    given = (b"a@example.net", b"b@Example.COM", b"c@sub.example.net", b"d@example.org")
    assert recipients_told(given) == ["a@example.net"]
    local = frozenset({"example.com", "example.org"})
    assert recipients_told(given, local_domains=local) == ["b@example.com", "d@example.org"]
    assert recipients_told(given, admin="") == []


def test_a_recipient_in_capital_letters_is_not_another_person() -> None:
    assert recipients_told((b"boB@EXAMPLE.net", b"BOB@example.net")) == ["bob@example.net"]


def test_the_case_of_a_senders_address_may_be_part_of_a_signature() -> None:
    record = blocked(POLICY, sender=b"SRS0=aBc=x=y.example=ann@example.net")
    (notice,) = whom_to_tell(record, policy("sender"))
    assert notice.address == "SRS0=aBc=x=y.example=ann@example.net"


def test_letters_outside_ascii_are_not_made_small() -> None:
    record = blocked(POLICY, recipients=("İ@example.net".encode(),))
    (notice,) = whom_to_tell(record, policy("recips"))
    assert notice.address == "İ@example.net"


def test_the_first_recipients_are_told_and_none_twice() -> None:
    many = [b"user%d@example.net" % number for number in range(RECIPIENTS_TOLD + 10)]
    assert recipients_told([*[many[0]] * 100, *many]) == [
        one.decode() for one in many[:RECIPIENTS_TOLD]
    ]


def test_who_is_administrator_and_recipient_hears_once_as_administrator() -> None:
    record = blocked(POLICY, recipients=(ADMIN.upper().encode(), b"bob@example.net"))
    assert whom_to_tell(record, policy("all")) == (
        Notice(Audience.ADMIN, ADMIN),
        Notice(Audience.SENDER, "ann@example.net"),
        Notice(Audience.RECIPIENTS, "bob@example.net"),
    )


def test_without_an_administrator_nobody_is_told_as_one() -> None:
    assert told(blocked(POLICY), "all", admin="") == set()
    local = frozenset({"example.net"})
    assert told(blocked(POLICY), "all", admin="", local_domains=local) == {"sender", "recipients"}


def test_a_sender_of_a_foreign_domain_is_forged_even_when_one_of_ours_sent_it() -> None:
    infected = blocked(POLICY, sender=b"victim@stranger.example")
    assert told(infected, "sender") == set()
    assert told(infected, "sender", outside_senders=True) == {"sender"}


@given(st.binary(max_size=40))
def test_any_address_gives_clean_text_or_silence(address: bytes) -> None:
    record = blocked(POLICY, sender=address, recipients=(address,))
    for notice in whom_to_tell(record, policy("sender", outside_senders=True)):
        assert notice.address.isprintable()
        assert notice.address.count("@") == 1


def from_list(fields: bytes, sender: bytes = b"ann@example.net") -> bool:
    raw = b"From: Ann <ann@example.net>\n" + fields + b"Subject: x\n\nList-Id: <a.b>\n"
    return is_list_mail(read_header(raw, 0, len(raw), LIMITS), raw, sender)


@pytest.mark.parametrize(
    "fields",
    [
        b"List-Id: Cats <cats.example.org>\n",
        b"LIST-POST : <mailto:cats@example.org>\n",
        b"List-Unsubscribe: <mailto:off@example.org>\n",
        b"Mailing-List: contact cats-help@example.org; run by ezmlm\n",
        b"X-Mailing-List: cats@example.org\n",
        b"X-Loop: cats@example.org\n",
        b"Precedence: bulk\n",
        b"Precedence: List\r\n",
        b"precedence:\n junk (really)\n",
        b"Auto-Submitted: auto-generated\n",
        b'Auto-Submitted: auto-replied; owner-email="a@example.org"\n',
    ],
)
def test_a_header_tells_list_mail(fields: bytes) -> None:
    assert from_list(fields)


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"Precedence: first-class\n",
        b"Auto-Submitted: no\n",
        b"Auto-Submitted: NO (a person)\n",
        b"Auto-Submitted:\n",
        b"X-List-Id: no\n",
        b"Subject: list-id: no\n",
    ],
)
def test_ordinary_mail_is_no_list_mail(fields: bytes) -> None:
    assert not from_list(fields)


def test_a_list_is_known_by_its_sender_too_but_not_every_program_is_a_list() -> None:
    assert from_list(b"", b"cats-bounces@example.org")
    assert not from_list(b"", b"")
    assert not from_list(b"", b"postmaster@example.net")
    assert not from_list(b"", b"noreply@example.net")


@pytest.mark.parametrize("field", [b"list-idle: x\n", b"precedence\n", b"x: " + b"-" * 90 + b"\n"])
def test_a_large_header_is_asked_in_linear_time(field: bytes) -> None:
    raw = (field * (1_000_000 // len(field)))[:1_000_000] + b"\n\n"
    limits = replace(LIMITS, header_fields=1_000_000)
    header = read_header(raw, 0, len(raw), limits)
    start = time.process_time()
    assert not is_list_mail(header, raw, b"-owner" * 160 + b"\n@x")
    assert time.process_time() - start < 1.0
