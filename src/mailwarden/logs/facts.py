"""What all formats say of a message: for whom, what happened, when, in which files.

Recipients with settings of their own have a decision of their own: each share is told for itself.
"""

import email.utils

from mailwarden.logs.line_values import field
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Fault, Finding, Kind, SpamScore

# A message that did not go to its recipients, for good.
BLOCKED = frozenset({Disposition.QUARANTINE, Disposition.REJECT, Disposition.DELETE})
# More recipients than people read, and room for four of the longest; the record has them all.
_RECIPIENTS_CHARACTERS = 4_100
# SpamAssassin's own limit on the name of a test, and more tests than the worst of mails hits.
_TEST_CHARACTERS = 128
_TESTS = 200
# Of a share that waits because others must, although nothing was found in it.
_OTHERS_EVENT = "other-recipients"


def shares_of(record: Record) -> tuple[Record, ...]:
    """A record for each group of recipients with one decision."""
    return record.shares or (record,)


def event_name(share: Record) -> str:
    """What decided: a virus by its name, a rule by its description, `spam`, `fault:clamd`.

    A rule without a description, and every other finding, is `policy extension-exe`.

    Names of viruses hold no blank, descriptions of other events do: so followers tell them apart.
    """
    main = share.decision.main
    if not main or not main.disposition:
        return _OTHERS_EVENT
    match main.cause:
        case Finding(kind=Kind.VIRUS, name=name):
            return name
        case Finding(kind=Kind.POLICY, detail=description) if description:
            return description
        case Finding(kind=kind, name=name):
            return f"{kind.value} {name}"
        case SpamScore():
            return "spam"
        case Fault():
            return main.key


def recipients_text(share: Record) -> str:
    """The first recipients, whole, separated by commas as in the original's logs."""
    shown: list[str] = []
    room = _RECIPIENTS_CHARACTERS
    for address in share.arrival.envelope.recipients:
        shown.append(field(address))
        room -= len(shown[-1]) + 1
        if room < 0:
            shown.pop()
            break
    return ",".join(shown)


def hit_tests(score: SpamScore) -> str:
    """The tests that hit, with what each gave where that is known: `BAYES_99=3.5,URIBL_BLACK`."""
    points = {test: f"={given:f}" for test, given in score.points}
    tests = score.tests or tuple(points)
    return ",".join(f"{test[:_TEST_CHARACTERS]}{points.get(test, '')}" for test in tests[:_TESTS])


def date_text(at: float) -> str:
    """A moment as RFC 2822 writes it, in local time: `Fri, 12 Feb 2004 10:34:16 -0500`."""
    return email.utils.formatdate(at, localtime=True)
