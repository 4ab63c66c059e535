"""How notices read: one mail from one errand, a summary from several to the same address.

Never loses a notice for a mistake in an administrator's template: then ours are used, the caller
hears of it, and the administrator's notices say so.
The values that templates see are those of `_values`, `wording.ShownMail`, `Summary` and `Section`;
docs/how-to/notices.md lists them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailwarden.notify.content import NoticeContent, contents_of
from mailwarden.notify.foreign_text import one_line
from mailwarden.notify.languages import Voice, voices_of
from mailwarden.notify.letter import Letter, admin_address, write_letter
from mailwarden.notify.template_folder import TemplateError, fill
from mailwarden.notify.wording import ShownMail, more_of, shown_mail, what_of
from mailwarden.verdict.errand import Errand
from mailwarden.verdict.telling import Audience

# A page or two of a table; the quarantine has all of them.
SHOWN_MAILS = 50
_SHOWN_GROUPS = 20
_SUBJECT_CHARACTERS = 200
_RULE = "\n" + "=" * 72 + "\n\n"


@dataclass(frozen=True, slots=True)
class Summary:
    """Several messages as their summary shows them: what templates see as `summary`.

    `count` is `number` as people write it, `groups` are reasons with their counts, `mails` the
    newest messages, `more` says how many further there are, or nothing.
    """

    number: int
    count: str
    first: str
    last: str
    groups: tuple[tuple[str, str], ...]
    mails: tuple[ShownMail, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Section:
    """The notice in one language: what `page.html` sees in `sections`."""

    tag: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Occasion:
    """What is told to whom: the messages, the oldest errand first, all to the same address."""

    contents: tuple[NoticeContent, ...]
    recipient: str

    @property
    def newest(self) -> NoticeContent:
        """Whose language, templates and names are used."""
        return self.contents[-1]


def render(
    errands: Sequence[Errand],
    now: float,
    new_id: str,
    complain: Callable[[TemplateError], None] = lambda _problem: None,
) -> bytes:
    """Write the mail about these notices, all to the same address as the same audience.

    `now` (seconds since the epoch) and `new_id` become Date and Message-ID. `complain` hears what
    is wrong with an administrator's template. Raises `msgspec.ValidationError` where an errand
    holds no notice.
    """
    occasion = _Occasion(contents_of(errands), errands[-1].recipient)
    letter = _letter(occasion, complain)
    return write_letter(letter, occasion.newest, now, new_id)


def _letter(occasion: _Occasion, complain: Callable[[TemplateError], None]) -> Letter:
    """Fill in the administrator's templates if they can be used, else ours."""
    folder = occasion.newest.templates
    try:
        return _filled(occasion, folder, None)
    except TemplateError as problem:
        if not folder:
            raise
        complain(problem)
        is_admin = occasion.newest.audience is Audience.ADMIN
        return _filled(occasion, "", problem if is_admin else None)


def _filled(occasion: _Occasion, folder: str, problem: TemplateError | None) -> Letter:
    voices = voices_of(occasion.newest.language)
    sections = [_section(occasion, voice, folder, problem) for voice in voices]
    subject = " / ".join(dict.fromkeys(section.subject for section in sections))
    html = fill("page.html", {"sections": sections, "subject": subject}, voices[0], folder)
    text = _RULE.join(section.text for section in sections)
    return Letter(occasion.recipient, subject, text, html, len(occasion.contents))


def _section(
    occasion: _Occasion, voice: Voice, folder: str, problem: TemplateError | None
) -> Section:
    values = _values(occasion, voice, problem)
    name = "summary" if len(occasion.contents) > 1 else occasion.newest.audience.value
    return Section(
        voice.tag,
        one_line(fill("subject.txt", values, voice, folder).strip(), _SUBJECT_CHARACTERS),
        fill(f"{name}.txt", values, voice, folder),
        fill(f"{name}.html", values, voice, folder),
    )


def _values(occasion: _Occasion, voice: Voice, problem: TemplateError | None) -> dict[str, object]:
    """What templates may use; only text, numbers and tuples of them."""
    newest = occasion.newest
    return {
        "audience": newest.audience.value,
        "language": voice.tag,
        "short": voice.tongue.is_short,
        "admin": one_line(admin_address(newest)),
        "admin_name": one_line(newest.admin_name),
        "mail": shown_mail(newest, occasion.recipient, voice),
        "summary": _summary(occasion, voice) if len(occasion.contents) > 1 else None,
        "problem": {"template": problem.template, "error": problem.error} if problem else None,
    }


def _summary(occasion: _Occasion, voice: Voice) -> Summary:
    contents = occasion.contents
    shown = contents[: -SHOWN_MAILS - 1 : -1]
    moments = [content.record.at for content in contents]
    return Summary(
        number=len(contents),
        count=voice.number(len(contents)),
        first=voice.moment(min(moments)),
        last=voice.moment(max(moments)),
        groups=tuple(
            (what, voice.number(count))
            for what, count in _counts(contents, voice).most_common(_SHOWN_GROUPS)
        ),
        mails=tuple(shown_mail(content, occasion.recipient, voice) for content in shown),
        more=more_of(len(contents) - len(shown), voice),
    )


def _counts(contents: Sequence[NoticeContent], voice: Voice) -> Counter[str]:
    """How many messages there are of each reason; put in words once for each."""
    counts: Counter[str] = Counter()
    for reason, count in Counter(content.record.reason for content in contents).items():
        counts[what_of(reason, voice)] += count
    return counts
