"""The options of Qmail-Scanner that take more than a line of a table; see `option_tables`.

Each function has the shape that `carrying.Carry` names.
Source: facts 2, 3.8, 3.9, 4.7, and the page.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePosixPath
from typing import get_args

from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome
from mailwarden.migrate.given import Given, Options, Origin, number, yes_or_no
from mailwarden.settings.per_recipient import Audience, Language
from mailwarden.settings.perl_patterns import PerlPatternError, translated
from mailwarden.verdict.rules import compile_pattern

# The two that ask ClamAV, by all the names that versions gave them (facts 3.8).
_CLAMAV = frozenset({"clamscan", "clamdscan", "clamuko", "clamd", "clamav"})
_OTHER_PRODUCTS = frozenset(
    {
        *("sweep", "sophie", "vscan", "trophie", "uvscan", "csav", "antivir", "vexira"),
        *("kavscanner", "avplinux", "kavdaemon", "avpdaemonclient", "avp", "fsav", "fprot"),
        *("f-prot", "inocucmd", "ravlin", "bdc", "bitdefender", "nod32", "avgd", "mhr"),
    }
)
_SPAM = frozenset({"sa", "spamassassin", "fast_spamassassin", "verbose_spamassassin"})
_INTERNAL = frozenset({"ps", "perlscan", "perlscanner"})

# spamd's own port, when --sa-remote names none (spamd(8)).
_SPAMD_PORT = "783"
# With clamd's 60 seconds and 30 of waiting, this stays below limits.message_seconds.
_MOST_SPAMD_SECONDS = 149
# limits.memory_bytes may not be above limits.message_bytes.
_MEMORY_BYTES = 1_000_000
_KEPT_FILES_DEBUG = 100


def qmail_directory(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--qmaildir`: where the real queue program is."""
    if not PurePosixPath(given.text).is_absolute():
        raise ValueError("expected an absolute path")
    program = str(PurePosixPath(given.text, "bin/qmail-queue"))
    yield Decision("queue.program", program, "the real queue program", given.source)


def administrator(given: Given, options: Options) -> Iterator[Outcome]:
    """`--admin` and `--domain` together."""
    address = given.text if "@" in given.text else f"{given.text}@{options.text('domain')}"
    if address.endswith("@"):
        yield Loss(
            given.source,
            "no domain is said, and the original took the host's name: set notices.admin, or the "
            "administrator is not told",
        )
        return
    yield Decision("notices.admin", address, "told of blocked mail; From of notices", given.source)


def domain(given: Given, options: Options) -> Iterator[Outcome]:
    """`--domain`: part of the administrator's address, and `--local-domains` if nobody says."""
    if "local-domains" in options.by_name:
        yield Note(given.source, "goes into notices.admin")
        return
    yield Decision("notices.local_domains", (given.text,), "only these are told", given.source)


def local_domains(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--local-domains`."""
    yield Decision("notices.local_domains", given.items, "only these are told", given.source)


def scanners(given: Given, options: Options) -> Iterator[Outcome]:
    """`--scanners`, `@scanners_default`: products become scanners of ours."""
    if given.text.strip().lower() == "auto":
        yield Decision(
            "scanners",
            ("clamd", "spamd"),
            "both are asked here; leave out what this machine does not have",
            given.source,
        )
        return
    products = [_product(item) for item in given.items if item.lower() != "none"]
    yield from _asked(given, [name for name, _ in products])
    yield from _spam_mode(given, options, dict(products))


def _product(item: str) -> tuple[str, str]:
    """`fast_spamassassin=SPAM` or `sophie_scanner` as a name and what is said behind it."""
    name, _, text = item.partition("=")
    return name.strip().lower().removesuffix("_scanner"), text


def _asked(given: Given, names: list[str]) -> Iterator[Outcome]:
    for name in names:
        if name in _OTHER_PRODUCTS:
            yield Loss(given.source, f"{name} is not asked here; clamd is in its place")
        elif name not in _CLAMAV | _SPAM | _INTERNAL:
            yield Loss(given.source, f"the scanner {name} is not known")
    found = (
        *(["clamd"] if not (_CLAMAV | _OTHER_PRODUCTS).isdisjoint(names) else []),
        *(["spamd"] if not _SPAM.isdisjoint(names) else []),
    )
    yield Decision("scanners", found, "attachment rules need no scanner here", given.source)


def _spam_mode(given: Given, options: Options, products: dict[str, str]) -> Iterator[Outcome]:
    if "verbose_spamassassin" in products and not options.is_on("sa-alt"):
        yield Decision("spamd.mode", "verbose", "spamd's own header fields", given.source)
    subject = products.get("fast_spamassassin", "")
    if subject and not options.text("sa-subject"):
        yield Decision("spam.subject", subject, "put before the subject of spam", given.source)


def fast_or_verbose(given: Given, options: Options) -> Iterator[Outcome]:
    """`$sa_fast`."""
    if yes_or_no(given) or options.is_on("sa-alt"):
        yield Decision("spamd.mode", "fast", "spamd scores, we write the fields", given.source)
        return
    yield Decision("spamd.mode", "verbose", "spamd's own header fields", given.source)


def other_routine(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--sa-alt`: what is left of it is whether spamd is told the recipient (facts 3.9)."""
    if yes_or_no(given):
        yield Note(given.source, "always fast here, and no user name is told: nothing to set")
        return
    yield Decision(
        "spam.user_is_recipient",
        value=True,
        why="the usual routine told spamd a single recipient as user name (spamc -u)",
        source=given.source,
    )


def notify(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--notify`."""
    known = tuple(item.lower() for item in given.items if item.lower() in get_args(Audience))
    for item in given.items:
        if item.lower() not in known:
            yield Loss(given.source, f"nobody is called {item} here")
    yield Decision("notices.notify", known, "who is told of blocked mail", given.source)
    if not {"sender", "psender", "all"}.isdisjoint(known):
        yield Note(
            given.source,
            "safer here: of senders, only relay clients and this machine are told, as others are "
            "usually forged; notices.outside_senders = true tells all",
        )


def silent_viruses(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--silent-viruses`; the patch adds `spam` to what is said on the line (the page)."""
    if given.text.strip().lower() == "auto":
        yield Note(given.source, "the built-in list is the default here, too")
        return
    added = () if given.origin is Origin.PROGRAM else ("spam",)
    names = tuple(dict.fromkeys((*given.items, *added)))
    yield Decision("viruses.silent", names, "senders are not told of these", given.source)


def language(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--lang`: the names are the same, a character set behind them is not needed."""
    wanted = given.text.strip()
    known = get_args(Language)
    named = next((one for one in known if one in (wanted, wanted.partition(".")[0])), None)
    if named is None:
        yield Loss(given.source, "there are no notices in this language; they are in en_GB")
        return
    yield Decision("notices.language", named, "of notices", given.source)


def archive(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--archive`: no, yes, or a Perl pattern for addresses."""
    try:
        pattern = ".*" if yes_or_no(given) else ""
    except ValueError:
        pattern = _pattern(given.text)
    yield Decision(
        "archive.matching", pattern, "copies go to archive.directory, not the old one", given.source
    )


def monitored(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--dlp-monitor`: a Perl pattern for policy events that are only recorded, or none."""
    is_off = given.text.strip().lower() in ("none", "no", "0", "")
    pattern = "" if is_off else _pattern(given.text)
    yield Decision(
        "attachments.monitored", pattern, "what matches is recorded and passes", given.source
    )


def _pattern(text: str) -> str:
    """A Perl pattern as ours; raises `ValueError` that says what it cannot be."""
    try:
        pattern = translated(text)
    except PerlPatternError as error:
        raise ValueError(f"not read here: {error}; {error.advice}") from error
    compile_pattern(pattern, ignore_case=True)
    return pattern


def log_details(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--log-details`: yes is the file, syslog is syslog."""
    if given.text.strip().lower() == "syslog":
        details: tuple[str, ...] = ("syslog",)
    else:
        try:
            details = ("mailstats",) if yes_or_no(given) else ()
        except ValueError:
            raise ValueError("expected yes (mailstats.csv), syslog or no") from None
    yield Decision("log.details", details, "a record for each recipient", given.source)


def queue_log(given: Given, options: Options) -> Iterator[Outcome]:
    """`--debug`: yes, no or a number; a `--minidebug` on the line counts when this is not said."""
    if given.is_default and options.is_on("minidebug"):
        return
    if options.is_on("debug"):
        why = "everything, as the original did; important is enough for mailwarden report"
        yield Decision("log.queue_log", "debug", why, given.source)
        level = given.text.strip()
        if level.isdecimal() and int(level[:9]) > _KEPT_FILES_DEBUG:
            yield Note(given.source, "working files are never left behind here")
    elif not options.is_on("minidebug"):
        yield Decision("log.queue_log", "no", "qmail-queue.log is not written", given.source)


def queue_log_minimal(given: Given, options: Options) -> Iterator[Outcome]:
    """`--minidebug`: debug switches it off (the page)."""
    debug = options.by_name.get("debug")
    debugs = debug is not None and not debug.is_default and options.is_on("debug")
    if not yes_or_no(given) or debugs:
        yield Note(given.source, "log.queue_log says what is written to qmail-queue.log")
        return
    why = "the important lines and the steps of each message"
    yield Decision("log.queue_log", "minidebug", why, given.source)


def structure_checks(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--fix-mime`, `$BAD_MIME_CHECKS`: yes, no, or a number, whose levels nobody wrote down."""
    try:
        is_on = yes_or_no(given)
    except ValueError:
        is_on = number(given) > 0
        yield Note(given.source, "its stricter levels are not documented; ours has one")
    why = "broken MIME is looked for" if is_on else "safer: true, ours are fewer and surer"
    yield Decision("structure.enabled", is_on, why, given.source)


def descriptive_headers(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--add-dscr-hdrs`: no, yes, or all."""
    word = given.text.strip().lower()
    if word != "all":
        word = "yes" if yes_or_no(given) else "no"
    yield Decision("headers.descriptive", word, "our fields with its prefix", given.source)


def largest_message(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--max-scan-size`."""
    size_bytes = int(number(given))
    yield Decision(
        "limits.message_bytes", size_bytes, "dispositions.oversize says what then", given.source
    )
    if 0 < size_bytes < _MEMORY_BYTES:
        why = "may not be above limits.message_bytes"
        yield Decision("limits.memory_bytes", size_bytes, why, given.source)


def password_protected(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--block-password-protected`."""
    if yes_or_no(given):
        why = "every kind of archive, not only zip"
        yield Decision("dispositions.encrypted", "quarantine", why, given.source)
        return
    yield Decision(
        "dispositions.encrypted",
        "accept",
        'they passed; safer: "quarantine", nobody can look into them',
        given.source,
    )


def spam_folder(given: Given, options: Options) -> Iterator[Outcome]:
    """`$smaildir`, `--spamdir`: a Maildir's name, or a path that ends in it."""
    name = PurePosixPath(given.text).name
    if name in (PurePosixPath(options.text("virusdir")).name, "viruses", ""):
        yield Note(given.source, "spam has a Maildir of its own here, spam.maildir")
        return
    yield Decision("spam.maildir", name, "quarantined spam, below ours", given.source)


def spamd_socket(given: Given, options: Options) -> Iterator[Outcome]:
    """`--sa-socket`; with `--sa-remote`, both are asked, this one first."""
    if not given.text:
        yield Note(given.source, "empty: spamd's socket is looked for")
        return
    remote = [_remote(options.text("sa-remote"))] if options.text("sa-remote") else []
    addresses = (f"unix:{given.text}", *remote)
    yield Decision("spamd.addresses", addresses, "where spamd listens", given.source)


def spamd_remote(given: Given, options: Options) -> Iterator[Outcome]:
    """`--sa-remote host[,port]`."""
    if options.text("sa-socket"):
        yield Note(given.source, "asked when the socket does not answer")
    elif not given.text:
        yield Note(given.source, "empty: spamd is on this machine")
    else:
        addresses = (_remote(given.text),)
        yield Decision("spamd.addresses", addresses, "where spamd listens", given.source)


def _remote(text: str) -> str:
    host, _, port = text.partition(",")
    host = host.strip()
    shown = f"[{host}]" if ":" in host else host
    return f"tcp:{shown}:{port.strip() or _SPAMD_PORT}"


def spamd_timeout(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--sa-timeout`."""
    seconds = number(given)
    if seconds > _MOST_SPAMD_SECONDS:
        most = f"all times of a message must fit limits.message_seconds: {_MOST_SPAMD_SECONDS} here"
        yield Loss(given.source, most)
    shortened = min(seconds, Decimal(_MOST_SPAMD_SECONDS))
    yield Decision("spamd.timeout_seconds", shortened, "for each address", given.source)


def spamd_fault(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--sa-faulttolerant`: try again later, or pass what was not scored (facts 3.9)."""
    if yes_or_no(given):
        yield Decision("spamd.on_fault", "defer", "the sender tries again", given.source)
        return
    yield Decision(
        "spamd.on_fault",
        "tag",
        'mail passed unscored, and a header said so; safer: "defer"',
        given.source,
    )


def deletes_viruses(given: Given, options: Options) -> Iterator[Outcome]:
    """`--virus-to-delete`: a switch; what is deleted stands in `@virus_to_delete`."""
    if "viruses-to-delete" in options.by_name:
        return
    if not yes_or_no(given):
        yield Decision("viruses.delete", (), "nothing is deleted unseen", given.source)
        return
    yield Decision("viruses.delete", ("mydoom",), "the one that the page names", given.source)
    yield Note(
        given.source,
        "the list is in @virus_to_delete of the installed qmail-scanner-queue.pl: import that, "
        "too, or compare viruses.delete with it",
    )


def viruses_to_delete(given: Given, options: Options) -> Iterator[Outcome]:
    """`@virus_to_delete`: works when it is not empty (the page), unless the program says no."""
    switch = options.by_name.get("virus-to-delete")
    if switch and switch.origin is Origin.PROGRAM and not yes_or_no(switch):
        yield Note(given.source, "switched off beside it: nothing is deleted unseen")
        return
    yield Decision("viruses.delete", given.items, "deleted, and nobody is told", given.source)


def per_domain(given: Given, _options: Options) -> Iterator[Outcome]:
    """`--scanners-per-domain`, `--settings-per-domain`: the files say all; see `importing`."""
    yes_or_no(given)
    yield Note(given.source, "per_domain names the file, where it was among what was given")
