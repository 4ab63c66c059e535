"""An import, from the files of an old installation to a settings file of ours.

What holds where several say the same: the variables of the installed program, which is what ran;
then a configure line that was given; then the line that the program records; then the original's
defaults, which count only where a program or a line was given. Everything is pure but the check
in `joining`, which reads the rule files that the new settings name.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mailwarden.message.encoded_words import decode_text
from mailwarden.migrate import writing
from mailwarden.migrate.address_lists import outcomes_of_lists, read_domains
from mailwarden.migrate.configure_line import LineError, Word, read_words
from mailwarden.migrate.decisions import (
    Decision,
    Loss,
    Note,
    Outcome,
    losses_in,
    notes_in,
)
from mailwarden.migrate.gathering import InputFile
from mailwarden.migrate.given import Given, Origin, merged
from mailwarden.migrate.joining import joined
from mailwarden.migrate.line_options import line_givens, without_quotes
from mailwarden.migrate.option_tables import SWITCHES, outcomes_of
from mailwarden.migrate.perl_program import recorded_line
from mailwarden.migrate.program_options import program_givens
from mailwarden.migrate.recognition import Kind, kind_of
from mailwarden.migrate.simcontrol import read_attachments, read_control
from mailwarden.migrate.simscan import Control, Endings, outcomes_of_simscan
from mailwarden.migrate.tcp_rules import converted

_TYPED = "the configure line"
_PER_DOMAIN = (
    (Kind.SCANNERS_PER_DOMAIN, "per_domain.scanners_file", "scanners-per-domain"),
    (Kind.SETTINGS_PER_DOMAIN, "per_domain.settings_file", "settings-per-domain"),
)
_ALL_SCANNERS = ("clamd", "spamd")


@dataclass(frozen=True, slots=True)
class RulesCopy:
    """A converted `tcp.smtp`: the name of the old file, and what the new one holds."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Import:
    """The settings file, the report, converted rules; `is_whole`: nothing was lost."""

    settings: str
    report: str
    copies: tuple[RulesCopy, ...]
    is_whole: bool


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    outcomes: list[Outcome] = field(default_factory=list)
    givens: list[Given] = field(default_factory=list)
    simscan_words: list[Word] = field(default_factory=list)
    copies: list[RulesCopy] = field(default_factory=list)
    by_kind: dict[Kind, list[InputFile]] = field(default_factory=dict)

    def take(self, said: Iterable[Given | Outcome]) -> None:
        """Keep what options say, and what is to be told."""
        for one in said:
            if isinstance(one, Given):
                self.givens.append(one)
            else:
                self.outcomes.append(one)

    def of(self, kind: Kind) -> list[InputFile]:
        """The files of a kind."""
        return self.by_kind.get(kind, [])


def imported(
    files: Sequence[InputFile],
    lines: Sequence[str],
    program: PurePosixPath,
    losses: Sequence[Loss] = (),
) -> Import:
    """Import these files and typed configure lines; `program` is where our mailwarden-queue is.

    `losses` are files that could not be read.
    """
    reading = _Reading(outcomes=list(losses))
    for file in files:
        _recognise(file, reading)
    _read_programs(reading)
    _read_lines(lines, reading)
    _settle(reading, program)
    sources = [*(str(file.path) for file in files), *([_TYPED] if lines else [])]
    return _written(reading, sources)


def _written(reading: _Reading, sources: Sequence[str]) -> Import:
    settled = joined(reading.outcomes)
    page = writing.settings_page(settled.decisions, sources)
    losses = losses_in((*reading.outcomes, *settled.losses))
    notes = notes_in(reading.outcomes)
    return Import(
        page.text + writing.remark_comments(notes, losses),
        writing.report(notes, losses),
        tuple(reading.copies),
        is_whole=not losses,
    )


def _recognise(file: InputFile, reading: _Reading) -> None:
    kind = kind_of(file.path.name, file.octets)
    source = str(file.path)
    if kind is None:
        reading.outcomes.append(Loss(source, "not recognised: nothing was read from it"))
    elif kind is Kind.COMPILED:
        why = "compiled; what is read is the text that it was made from"
        reading.outcomes.append(Note(source, why))
    elif not _is_utf8(source):
        reading.outcomes.append(Loss(source, "its path is not UTF-8, which TOML must be"))
    else:
        reading.by_kind.setdefault(kind, []).append(file)


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(file: InputFile) -> str:
    return decode_text(file.octets.removeprefix(b"\xef\xbb\xbf"), "").replace("\r\n", "\n")


def _read_programs(reading: _Reading) -> None:
    for file in reading.of(Kind.PROGRAM):
        text, name = _text(file), file.path.name
        recorded = f"the line that {name} records"
        words = _words(recorded_line(text), recorded, reading)
        whole = without_quotes(words)
        if whole != words:
            why = "a shell took its quotes away: compare values that are several words"
            reading.outcomes.append(Note(recorded, why))
        reading.take(line_givens(whole, recorded, Origin.RECORDED_LINE))
        reading.take(program_givens(text, name))


def _read_lines(lines: Sequence[str], reading: _Reading) -> None:
    for file in reading.of(Kind.CONFIGURE_LINE):
        _read_line(_text(file), file.path.name, reading)
    for file in reading.of(Kind.SIMSCAN_LINE):
        reading.simscan_words += _words(_text(file), file.path.name, reading)
    for octets in (line.encode("utf-8", "surrogateescape") for line in lines):
        line = decode_text(octets, "")
        if kind_of("", octets) is Kind.SIMSCAN_LINE:
            reading.simscan_words += _words(line, _TYPED, reading)
        else:
            _read_line(line, _TYPED, reading)


def _read_line(text: str, source: str, reading: _Reading) -> None:
    words = _words(text, source, reading)
    reading.take(line_givens(words, source, Origin.CONFIGURE_LINE))


def _words(text: str, source: str, reading: _Reading) -> tuple[Word, ...]:
    try:
        return read_words(text, SWITCHES)
    except LineError as error:
        reading.outcomes.append(Loss(source, str(error)))
        return ()


def _settle(reading: _Reading, program: PurePosixPath) -> None:
    """From what was read to outcomes, of each kind of input in turn."""
    if reading.givens:
        reading.outcomes += outcomes_of(reading.givens)
    reading.outcomes += _simscan(reading)
    reading.outcomes += _rule_files(reading)
    reading.outcomes += _per_domain_files(reading)
    _domain_lists(reading)
    for file in reading.of(Kind.TCP_RULES):
        rules = converted(file.octets, str(file.path), program)
        reading.outcomes += rules.outcomes
        reading.copies.append(RulesCopy(file.path.name, rules.octets))


def _rule_files(reading: _Reading) -> Iterator[Outcome]:
    """The files in the place of our own rules, which stay where there are no files."""
    paths = tuple(str(file.path) for file in reading.of(Kind.RULES))
    if not paths:
        if reading.givens:
            why = "none was given: our own rules hold; give it, to forbid what it forbade instead"
            yield Note("quarantine-attachments.txt or quarantine-events.txt", why)
        return
    source = ", ".join(paths)
    why = "read where it is, at every reload; later edits count, without -g"
    yield Decision("attachments.rules_files", paths, why, source)
    why = "the rule file alone said what is forbidden; safer: leave this line out"
    yield Decision("attachments.forbidden_extensions", (), why, source)
    why = (
        "there were no rules but those of the file; safer: leave this line out, ours deny programs "
        "under any name (mailwarden scan shows what that would do)"
    )
    yield Decision("attachments.default_rules", value=False, why=why, source=source)


def _per_domain_files(reading: _Reading) -> Iterator[Outcome]:
    options = merged(reading.givens)
    for kind, key, option in _PER_DOMAIN:
        files = reading.of(kind)
        said = options.by_name.get(option)
        if not files and options.is_on(option):
            yield Loss(kind.value, "switched on, and the file was not given")
        for file in files[1:]:
            yield Loss(str(file.path), "only one such file can be in use")
        if files and said and not options.is_on(option):
            yield Note(str(files[0].path), f"not in use: {said.source}")
        elif files:
            why = "read where it is, at every reload"
            yield Decision(key, str(files[0].path), why, str(files[0].path))


def _simscan(reading: _Reading) -> Iterator[Outcome]:
    control = _first(reading, Kind.SIMCONTROL)
    attachments = _first(reading, Kind.ATTACHMENTS)
    if control or attachments or reading.simscan_words:
        yield from outcomes_of_simscan(
            reading.simscan_words,
            Control(tuple(read_control(_text(control))), str(control.path)) if control else None,
            Endings(read_attachments(_text(attachments)), str(attachments.path))
            if attachments
            else None,
        )


def _domain_lists(reading: _Reading) -> None:
    """Lists of domains stand in for what was said of scanners for everybody."""
    scanned, scored = _first(reading, Kind.SCANNED_DOMAINS), _first(reading, Kind.SCORED_DOMAINS)
    if not scanned and not scored:
        return
    scanners, others = _ALL_SCANNERS, []
    for one in reading.outcomes:
        if isinstance(one, Decision) and one.key == "scanners" and not one.match:
            assert isinstance(one.value, tuple)  # noqa: S101 - what every such decision holds
            scanners = one.value
        else:
            others.append(one)
    lists = [read_domains(_text(one), str(one.path)) if one else None for one in (scanned, scored)]
    reading.outcomes[:] = [*others, *outcomes_of_lists(lists[0], lists[1], scanners)]


def _first(reading: _Reading, kind: Kind) -> InputFile | None:
    """The file of a kind; others of the same kind are told as losses."""
    files = reading.of(kind)
    for file in files[1:]:
        reading.outcomes.append(Loss(str(file.path), "only one such file can be in use"))
    return files[0] if files else None
