"""simscan's compile options, `./configure --enable-spam=y --enable-spam-hits=12 ...`.

What they say of scanning is used in `simscan`, which joins it with `simcontrol`; the rest is a
table here. `--enable-x` alone means yes, `--disable-x` no. Source: simscan's README.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from mailwarden.migrate.configure_line import Word, shown
from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome

# `--enable-spam-hits` without a number.
DEFAULT_HITS = Decimal(10)
_ITSELF = "simscan itself"
_SAFER = "safer: leave this line out"

# What simscan does and has no option for, where ours differs.
ALWAYS = (
    Decision(
        "attachments.default_rules", value=False, why=f"it had none; {_SAFER}", source=_ITSELF
    ),
    Decision(
        "structure.enabled", value=False, why=f"it looked at no forms; {_SAFER}", source=_ITSELF
    ),
    Decision("dispositions.policy", "reject", "it rejected a blocked attachment", _ITSELF),
    Decision("dispositions.encrypted", "accept", f"it let them pass; {_SAFER}", _ITSELF),
    Decision("dispositions.ambiguous", "tag", f"it let them pass; {_SAFER}", _ITSELF),
    Decision("dispositions.unopened", "tag", f"it let them pass; {_SAFER}", _ITSELF),
    Decision("dispositions.over_limit", "tag", f"it had no limits; {_SAFER}", _ITSELF),
    Decision("dispositions.oversize", "tag", f"it had no limits; {_SAFER}", _ITSELF),
    Decision("notices.notify", ("none",), "it sent no notices", _ITSELF),
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The options of a configure line; without one (`is_given`), what simcontrol lets suppose."""

    says: Mapping[str, str] = field(default_factory=dict)
    strange: tuple[Word, ...] = ()
    is_given: bool = False

    @classmethod
    def of(cls, words: Iterable[Word]) -> "Compiled":
        """Take the words of a line apart; a later option replaces an earlier one."""
        says: dict[str, str] = {}
        strange = []
        for word in words:
            if word.is_option and word.name.startswith("enable-"):
                says[word.name.removeprefix("enable-")] = "y" if word.value is None else word.value
            elif word.is_option and word.name.startswith("disable-"):
                says[word.name.removeprefix("disable-")] = "n"
            else:
                strange.append(word)
        return cls(says, tuple(strange), is_given=bool(says or strange))

    def is_on(self, name: str) -> bool:
        """An option says yes; virus scanning does by default, and so does what is not known."""
        default = "y" if name == "clamav" or (name == "spam" and not self.is_given) else "n"
        return self.says.get(name, default).lower() in ("y", "yes", "1")

    @property
    def hits(self) -> Decimal | None:
        """`--enable-spam-hits`; None where it is not said, or no number."""
        text = self.says.get("spam-hits", "n")
        if text == "y":
            return DEFAULT_HITS
        try:
            value = Decimal(text[:20])
        except InvalidOperation:
            return None
        return value if value.is_finite() and value >= 0 else None

    @property
    def quarantine_directory(self) -> str:
        """`--enable-quarantinedir`, empty where nothing is kept."""
        directory = self.says.get("quarantinedir", "n")
        return "" if directory in ("n", "no") else directory


def compiled_outcomes(compiled: Compiled) -> Iterator[Outcome]:
    """What the options are here that have nothing to do with simcontrol."""
    yield _viruses(compiled)
    for name, value in compiled.says.items():
        source = f"--enable-{name}={shown(value)}"
        row = _ROWS.get(name)
        if row is None:
            yield Loss(source, "an option of simscan that is not known")
        elif isinstance(row, str):
            yield Note(source, row)
        else:
            yield from row(value, source, compiled)
    for word in compiled.strange:
        yield Loss(word.source, "no option of simscan")


def _viruses(compiled: Compiled) -> Outcome:
    source = "--enable-dropmsg" if compiled.is_on("dropmsg") else _ITSELF
    if not compiled.is_on("dropmsg"):
        return Decision("dispositions.virus", "reject", "it rejected viruses in SMTP", source)
    if compiled.quarantine_directory:
        return Decision("dispositions.virus", "quarantine", "dropped, with a copy kept", source)
    return Decision("dispositions.virus", "delete", "it dropped viruses", source)


_Row = Callable[[str, str, Compiled], Iterator[Outcome]]


def _hits(_value: str, source: str, compiled: Compiled) -> Iterator[Outcome]:
    if compiled.hits is None:
        yield Loss(source, "expected a number")
        return
    yield Note(source, "spam.delete_above says what it is here: points above the required score")


def _quarantine(_value: str, source: str, compiled: Compiled) -> Iterator[Outcome]:
    if compiled.quarantine_directory and not compiled.is_on("dropmsg"):
        yield Loss(
            source,
            "what is rejected in SMTP is not kept here as well: the sender is told. To keep it, "
            'set dispositions.virus = "quarantine" and spam.quarantine_above',
        )
        return
    yield Note(source, "copies are kept in quarantine.directory")


def _custom_reject(value: str, source: str, compiled: Compiled) -> Iterator[Outcome]:
    if value.lower() in ("y", "yes", "1") and not compiled.is_on("dropmsg"):
        why = "qmail has the patch that reads a text from descriptor 4"
        yield Decision("queue.flavour", "custom-error", why, source)
        return
    yield Note(source, "rejections have qmail's own text: nothing to set")


def _scoring_user(value: str, source: str, _compiled: Compiled) -> Iterator[Outcome]:
    is_on = value.lower() in ("y", "yes", "1")
    yield Decision("spam.user_is_recipient", is_on, "a single recipient's own settings", source)


def _received(value: str, source: str, _compiled: Compiled) -> Iterator[Outcome]:
    is_on = value.lower() in ("y", "yes", "1")
    yield Decision("headers.received", is_on, "a Received field of ours", source)


def _qmail(value: str, source: str, _compiled: Compiled) -> Iterator[Outcome]:
    program = f"{value.rstrip('/')}/bin/qmail-queue"
    yield Decision("queue.program", program, "the real queue program", source)


def _queue_program(value: str, source: str, _compiled: Compiled) -> Iterator[Outcome]:
    why = "also tell mailwarden-queue: MAILWARDEN_QMAIL_QUEUE in its environment"
    yield Decision("queue.program", value, why, source)


def _trophie(_value: str, source: str, _compiled: Compiled) -> Iterator[Outcome]:
    yield Loss(source, "trophie is not asked here; clamd is")


def _spamc_arguments(value: str, source: str, _compiled: Compiled) -> Iterator[Outcome]:
    """`-U /tmp/spamd.sock`, `-d host -p port`, `-s bytes`, `-t seconds` (spamc(1))."""
    try:
        words = shlex.split(value)
    except ValueError:
        yield Loss(source, "not read as a shell's words")
        return
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or not set(pairs) <= {"-U", "-d", "-p", "-s", "-t"}:
        yield Loss(source, "only -U, -d, -p, -s and -t are read, each with its value")
        return
    yield from _spamc_settings(pairs, source)


def _spamc_settings(pairs: Mapping[str, str], source: str) -> Iterator[Outcome]:
    addresses = [f"unix:{pairs['-U']}"] if "-U" in pairs else []
    hosts = pairs.get("-d", "127.0.0.1" if "-p" in pairs else "")
    addresses += [f"tcp:{host}:{pairs.get('-p', '783')}" for host in hosts.split(",") if host]
    if addresses:
        yield Decision("spamd.addresses", tuple(addresses), "where spamd listens", source)
    for flag, key, why in _SPAMC_NUMBERS:
        if flag in pairs:
            is_whole = pairs[flag].isascii() and pairs[flag].isdecimal()
            number = int(pairs[flag][:15]) if is_whole else pairs[flag]
            yield Decision(key, number, why, source)


_SPAMC_NUMBERS = (
    ("-s", "spamd.max_bytes", "larger messages are not scored"),
    ("-t", "spamd.timeout_seconds", "for each address"),
)

_TOOLS = "nothing is started for a message here"
_ABOUT_SCANNING = "in scanners, and in the tables below"
_VERSIONS = "versions are asked from the daemons"

_ROWS: Mapping[str, str | _Row] = {
    "user": "the daemon runs as the user mailwarden",
    "clamav": _ABOUT_SCANNING,
    "spam": _ABOUT_SCANNING,
    "attach": "in attachments.forbidden_extensions",
    "per-domain": "simcontrol becomes [[profile]] tables",
    "spam-passthru": "spam that is not rejected is passed on with a header",
    "spam-hits": _hits,
    "dropmsg": "in dispositions.virus and spam.reject",
    "quarantinedir": _quarantine,
    "custom-smtp-reject": _custom_reject,
    "spamc-user": _scoring_user,
    "spamc-args": _spamc_arguments,
    "received": _received,
    "qmaildir": _qmail,
    "qmail-queue": _queue_program,
    "trophie-path": _trophie,
    "trophie-socket": _trophie,
    "clamdscan": "clamd itself is asked, at clamd.addresses",
    "spamc": "spamd itself is asked, at spamd.addresses",
    "workdir": "messages in work are in memory or in spool.directory",
    "ripmime": _TOOLS,
    "spamassassin-path": _VERSIONS,
    "clamavdb-path": _VERSIONS,
    "sigtool-path": _VERSIONS,
}


def known_options() -> frozenset[str]:
    """Every option of simscan that has a row, without `--enable-`."""
    return frozenset(_ROWS)
