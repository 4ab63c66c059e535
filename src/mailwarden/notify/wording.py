"""What a notice may show of a message, in words: per audience, in one language, all text made safe.

Who reads decides what is there at all, so that no template can show it: the message's header, its
client and its scanners are for the administrator, other recipients for nobody but him and the
sender.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailwarden.notify.content import MailRecord, NoticeContent
from mailwarden.notify.foreign_text import header_lines, one_line
from mailwarden.notify.languages import Voice
from mailwarden.verdict.telling import Audience

# The first ones say enough; the record has all.
_RECIPIENTS = 10
_FILES = 20
_TESTS = 100
_SUBJECT_CHARACTERS = 150
_ADDRESS_CHARACTERS = 254


def _(text: str) -> str:
    """Mark a text for translation; said it is by a voice, later."""
    return text


@dataclass(frozen=True, slots=True)
class _Words:
    """A kind of reason: a sentence for people, and a word for subjects and tables."""

    sentence: str
    word: str


_VIRUS = _Words(_("A virus was found in it: %(name)s"), _("Virus"))
_POLICY = _Words(_("It contains something that is not allowed here: %(name)s"), _("Not allowed"))
_SPAM = _Words(_("It was recognised as spam."), _("Spam"))
_ENCRYPTED = _Words(_("It contains an encrypted file, which cannot be checked."), _("Encrypted"))
_MALFORMED = _Words(_("It is built in a way that can deceive mail programs."), _("Malformed"))
_UNCHECKED = _Words(_("It could not be checked completely."), _("Unchecked"))
_OVERSIZE = _Words(_("It is too large."), _("Too large"))

# What stands before the colon of a record's reason.
_WORDS = {
    "virus": _VIRUS,
    "policy": _POLICY,
    "spam": _SPAM,
    "encrypted": _ENCRYPTED,
    "malformed": _MALFORMED,
    "ambiguous": _MALFORMED,
    "ambiguous-text": _MALFORMED,
    "unopened": _UNCHECKED,
    "over-limit": _UNCHECKED,
    "fault": _UNCHECKED,
    "oversize": _OVERSIZE,
}


@dataclass(frozen=True, slots=True)
class ShownMail:
    """A message as its notice shows it: what templates see as `mail`.

    `kind` is `virus`, `policy`, `spam` ..., `what` says it in a word with its name, `sentence` in a
    sentence. `facts` are labels and values, translated, for a table. `header` has lines.
    """

    id: str
    disposition: str
    kind: str
    name: str
    what: str
    sentence: str
    date: str
    sender: str
    recipients: str
    subject: str
    kept_as: str
    facts: tuple[tuple[str, str], ...]
    header: tuple[str, ...]


def shown_mail(content: NoticeContent, recipient: str, voice: Voice) -> ShownMail:
    """Say in that voice what `recipient` may know of a message."""
    record = content.record
    kind, name = _kind_and_name(record.reason)
    is_admin = content.audience is Audience.ADMIN
    return ShownMail(
        id=one_line(record.id),
        disposition=record.disposition,
        kind=kind,
        name=name,
        what=what_of(record.reason, voice),
        sentence=voice.gettext(_words(kind).sentence) % {"name": name},
        date=voice.moment(record.at),
        sender=_sender(record),
        recipients=_recipients(content, recipient, voice),
        subject=_subject(record),
        kept_as=one_line(record.kept_as) if is_admin else "",
        facts=tuple(_facts(content, recipient, voice)),
        header=header_lines(content.header) if is_admin and content.header else (),
    )


def what_of(reason: str, voice: Voice) -> str:
    """A record's reason in a word with its name: `Virus: Eicar-Test-Signature`."""
    kind, name = _kind_and_name(reason)
    word = voice.gettext(_words(kind).word)
    return voice.gettext(_("%(what)s: %(name)s")) % {"what": word, "name": name} if name else word


def more_of(number: int, voice: Voice) -> str:
    """How many are not shown, `and 17 more`; empty where none are missing."""
    if number <= 0:
        return ""
    text = voice.ngettext("and %(count)s more", "and %(count)s more", number)
    return text % {"count": voice.number(number)}


def _kind_and_name(reason: str) -> tuple[str, str]:
    kind, _colon, name = reason.partition(":")
    return kind, one_line(name)


def _words(kind: str) -> _Words:
    return _WORDS.get(kind, _UNCHECKED)


def _sender(record: MailRecord) -> str:
    return one_line(record.sender, _ADDRESS_CHARACTERS) or "<>"


def _subject(record: MailRecord) -> str:
    return one_line(record.subject, _SUBJECT_CHARACTERS)


def _recipients(content: NoticeContent, recipient: str, voice: Voice) -> str:
    """The recipients; to one of them, only himself."""
    if content.audience is Audience.RECIPIENTS:
        return one_line(recipient, _ADDRESS_CHARACTERS)
    addresses = [one.address for one in content.record.recipients]
    shown = [one_line(address, _ADDRESS_CHARACTERS) for address in addresses[:_RECIPIENTS]]
    return _joined(shown, content.record.recipient_count or len(addresses), voice)


def _joined(shown: Sequence[str], number: int, voice: Voice) -> str:
    """The first ones of so many, and how many they are not."""
    more = more_of(number - len(shown), voice)
    return ", ".join(filter(None, [*shown, more]))


def _facts(content: NoticeContent, recipient: str, voice: Voice) -> Iterator[tuple[str, str]]:
    """Yield every label with its value, where there is one."""
    rows = [*_common_facts(content, recipient, voice)]
    if content.audience is Audience.ADMIN:
        rows += [*_admin_facts(content, voice), *_spam_facts(content, voice)]
    rows.append((_("Reference"), one_line(content.record.id)))
    yield from ((voice.gettext(label), value) for label, value in rows if value)


def _common_facts(
    content: NoticeContent, recipient: str, voice: Voice
) -> Iterator[tuple[str, str]]:
    record = content.record
    kind, _name = _kind_and_name(record.reason)
    if content.audience is Audience.ADMIN:
        yield _("Reason"), what_of(record.reason, voice)
    # The rest may name what is inside our network.
    if content.audience is Audience.ADMIN or kind == "policy":
        yield _("Details"), one_line(record.detail)
    yield _("Date"), voice.moment(record.at)
    yield _("From"), _sender(record)
    yield _("To"), _recipients(content, recipient, voice)
    yield _("Subject"), _subject(record)


def _admin_facts(content: NoticeContent, voice: Voice) -> Iterator[tuple[str, str]]:
    record = content.record
    files = [f"{one_line(name)} ({voice.size(size)})" for name, size in record.files[:_FILES]]
    yield "Message-ID", one_line(record.message_id)
    yield _("Size"), voice.size(record.size_bytes)
    yield _("Files"), _joined(files, len(record.files), voice)
    yield _("Client"), one_line(record.origin)
    yield _("Scanners"), one_line(" ".join(record.scanners))


def _spam_facts(content: NoticeContent, voice: Voice) -> Iterator[tuple[str, str]]:
    """Yield the score and, with spam.debug, the tests with their points (sa-debug)."""
    spam = content.record.spam
    if spam is None:
        return
    text = voice.gettext(_("%(score)s points, %(required)s make spam"))
    numbers = {"score": voice.number(spam.score), "required": voice.number(spam.required)}
    yield _("Spam score"), text % numbers
    if content.debug:
        points = [f"{one_line(name)} {voice.number(given)}" for name, given in spam.points[:_TESTS]]
        names = points or [one_line(name) for name in spam.tests[:_TESTS]]
        yield _("Spam tests"), ", ".join(names)
