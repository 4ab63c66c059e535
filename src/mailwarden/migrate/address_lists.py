"""`control/qmailscannerdomains` and `spamassassindomains`: whom the scanners are for.

One domain a line; a list that is not there means all domains. They come with a patch to
Qmail-Scanner by Jonas Pasche. Source: facts 7, wish 5.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome

# What one settings file has room for, which may have 2 MB.
MOST_DOMAINS = 40_000


@dataclass(frozen=True, slots=True)
class DomainList:
    """The domains of a list, in small letters, and the file's name."""

    domains: tuple[str, ...]
    source: str


def read_domains(text: str, source: str) -> DomainList:
    """Read a list; empty lines and comments are passed over."""
    lines = (line.partition("#")[0].strip().lower() for line in text.split("\n"))
    return DomainList(tuple(dict.fromkeys(filter(None, lines))), source)


def outcomes_of_lists(
    scanned: DomainList | None, scored: DomainList | None, scanners: tuple[str, ...]
) -> Iterator[Outcome]:
    """Scanners for nobody, and for the domains of the lists; `scanners` are those in use."""
    lists = [one for one in (scanned, scored) if one]
    source = " and ".join(one.source for one in lists)
    without_score = tuple(name for name in scanners if name != "spamd")
    everybody = () if scanned else without_score
    yield Decision("scanners", everybody, "for the domains that no list names", source)
    yield Note(source, "what needs no scanner, attachment rules for one, is still for everybody")
    for one in lists:
        if len(one.domains) > MOST_DOMAINS:
            yield Loss(one.source, f"more than {MOST_DOMAINS:_} domains: only the first are taken")
    for names in dict.fromkeys((scanners, without_score)):
        match = tuple(_domains_with(names, scanned, scored, scanners))
        if match and names != everybody:
            yield Decision("scanners", names, "for the domains of the lists", source, match)


def _domains_with(
    names: tuple[str, ...],
    scanned: DomainList | None,
    scored: DomainList | None,
    scanners: tuple[str, ...],
) -> Iterator[str]:
    """The domains that are shown to exactly these scanners."""
    listed = scanned or scored
    of_score = None if scored is None else frozenset(scored.domains)
    for domain in listed.domains[:MOST_DOMAINS] if listed else ():
        is_scored = of_score is None or domain in of_score
        if (names == scanners) == (is_scored or "spamd" not in scanners):
            yield domain
