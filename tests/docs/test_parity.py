"""The page that maps every name of Qmail-Scanner to what is here: what it names exists.

What was there stands in the first column, what is here and the tests that show it in the last two.
Everything in backticks there is looked up: settings, commands and their options, variables, paths,
tests, and else a word of the sources.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import click
import pytest
from pydantic import ValidationError

from mailwarden.cli.main import main
from mailwarden.message.anomalies import ANOMALIES
from mailwarden.migrate.option_tables import option_named
from mailwarden.settings.catalogue import every_entry, profile_sections, sections, tables
from mailwarden.settings.load import PATH_VARIABLE
from mailwarden.settings.model import Settings
from mailwarden.wire.gate import VARIABLES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/qmail-scanner.md"
COLUMNS = ("was", "meaning there", "here", "shown by")
GONE = "gone"
# A reason is a sentence, or nearly one.
REASON_WORDS = 4

QUOTED = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
SETTING = re.compile(r"(?P<key>[a-z_]+(?:\.[a-z_]+)*)(?: = .+)?")
VARIABLE = re.compile(r'(?P<name>[A-Z][A-Z_]{3,})(?:="on")?')
TABLE = re.compile(r"\[+(?P<key>[a-z_.]+)\]+")
OWN_FIELD = re.compile(r"prefix\}-([A-Za-z-]+)")

# Facts 1.5.
THE_VARIABLES = """
QMAILQUEUE RELAYCLIENT QS_SPAMASSASSIN TCPREMOTEIP TCPREMOTEHOST TCPREMOTEINFO SA_ONLYDELETE_HOST
BMC_WHITELIST LANG QS_USER
"""
# Facts 2.1.
THE_OPTIONS = """
--qs-user --qmaildir --spooldir --bindir --etcdir --logdir --qmail-queue-binary
--qmail-inject-binary --admin --domain --user --admin-description --scanners --skip-text-msgs
--notify --local-domains --silent-viruses --lang --archive --redundant --log-details --log-crypto
--fix-mime --ignore-eol-check --add-dscr-hdrs --normalize --debug --unzip --max-zip-size
--max-scan-size --max-unpacked-files --block-password-protected --virusdir --policydir --spamdir
--sa-quarantine --sa-timeout --sa-faulttolerant --sa-maxsize --dlp-monitor --mime-unpacker
--install --batch --skip-setuid-test --no-QQ-check
"""
# Facts 2.2.
THE_OPTIONS_OF_THE_PATCH = """
--sa-quarantine --sa-forward --sa-fwd-verbose smaildir --spamdir --sa-delete --sa-reject --sa-delta
--sa-subject --sa-alt --sa-debug --sa-report SA_SKIP_MD --sa-socket --sa-remote --qs-group
--minidebug --virus-to-delete virus_to_delete --scanners-per-domain --settings-per-domain
--quarantine-reject --admin-fromname --dscr-hdrs-text --setuidgid-path qs_config.sh
"""
# Facts 3.6.
THE_RULE_FILES = """
quarantine-attachments.txt quarantine-attachments.db quarantine-events.txt quarantine-events.db
MAILFROM RCPTTO REMOTEIPADDR ZIPPASSWORDPROTECTED ISSENSITIVEANDNOCRYPTO CRYPTODETAILS
FILELENGTHTOOLONG FILEDOUBLEBARRELED FILECLSID
"""
# Facts 3.8.
THE_SCANNERS = """
auto none clamscan clamdscan clamuko sweep sophie vscan trophie uvscan csav antivir vexira
kavscanner AvpLinux kavdaemon AvpDaemonClient fsav fprot inocucmd ravlin bdc bitdefender nod32 avgd
mhr perlscan fast_spamassassin verbose_spamassassin
"""
# Facts 4.1 to 4.6, and 3.9 for what is moved aside and what is added for SpamAssassin.
THE_FIELDS_FILES_AND_LOGS = """
Received X-Qmail-Scanner-Diagnostics X-Spam-Status X-Spam-Level X-Spam-Report X-Qmail-Scanner
X-Qmail-Scanner-Mail-From X-Qmail-Scanner-Rcpt-To X-Qmail-Scanner-Message-ID
X-Qmail-Scanner-MOVED-X-Spam-Status X-Envelope-From X-Qmail-Scanner-Mime-Attachments
X-Qmail-Scanner-Zip-Files
/var/spool/qmailscan /var/spool/qscan tmp/<id>/ working/ quarantine/{tmp,new,cur} archives/ failed/
quarantine/viruses quarantine/policy quarantine/spam <file_id> qmail-scanner-queue-version.txt
quarantine.log viruses.log mailstats.csv qmail-scanner[pid]: qmail-queue.log rejecting tagging
"""
# Facts 4.7 and 4.8.
THE_NOTICES = """
sender recips admin psender precips nmladm nmlvadm all none
af_ZA cs_CZ da_DK de_DE en_GB en_PL enlt_LT enlt_LT_short es_ES fr_FR it_IT ja_JP.EUC nl_NL no_NO
pl_PL pt_BR pt_PT sk_SK sv_SE tr_TR tr_TR_ascii tw_BIG5
"""
# Facts 5.
THE_SWITCHES_AND_TOOLS = """
-h -v -g -r -z test_installation.sh log-report.sh qs_config.sh qms-config qms-analog
spamc-nice.eml spamc-nasty.eml reformime-test.eml logging_first_80_chars.eml vpopmail-issues.eml
patch_for_nod32_single_user.eml test-sophie.pl test-trophie.pl test-clamd.pl test-avgd.pl
check_AV_daemons sub-avpdaemon.pl avpdeamon.init sub-sender-cache.pl rbl_scanner.txt qs2mrtg.pl
mrtg-qmail-scanner.cfg qs-scanner-report.sh qscan-spam-to-users.pl qmail-delay
logrotate.qmail-scanner test_password.zip qmail-scanner-queue.c autoupdaters/
munin qss Mail::Toaster
"""
# Facts 6.1 to 6.4.
THE_DOMAINS = """
scanners_per_domain.txt settings_per_domain.txt @scanners_default sa_subject sa_quarantine sa_delta
sa_delete sa_reject sa_forward sa_fwd_verbose sa_hdr_report smaildir spamc -u
"""
NAMES = frozenset(
    (
        THE_VARIABLES
        + THE_OPTIONS
        + THE_OPTIONS_OF_THE_PATCH
        + THE_RULE_FILES
        + THE_SCANNERS
        + THE_FIELDS_FILES_AND_LOGS
        + THE_NOTICES
        + THE_SWITCHES_AND_TOOLS
        + THE_DOMAINS
    ).split()
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the page, and its line."""

    line: int
    was: str
    here: str
    shown: str


def rows() -> list[Row]:
    found = []
    is_inside = False
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if tuple(cells) == COLUMNS:
            is_inside = True
        elif not line.startswith("|"):
            is_inside = False
        elif is_inside and set(line) - set("|-"):
            assert len(cells) == len(COLUMNS), f"{PAGE.name}:{number}: {len(cells)} cells"
            found.append(Row(number, cells[0], cells[2], cells[3]))
    return found


def complaints_about(row: Row) -> Iterator[str]:
    tests = QUOTED.findall(row.shown)
    yield from (f"{name} is no test" for name in tests if not is_test(name))
    yield from (f"{name} is not here" for name in QUOTED.findall(row.here) if not is_here(name))
    if not row.was or not row.here:
        yield "an empty cell"
    if row.here.startswith(GONE):
        reason = re.sub(r"^gone\W*", "", row.here)
        if len(reason.split()) < REASON_WORDS:
            yield "gone, and no reason"
    elif not tests:
        yield "neither a test nor gone"
    if row.shown != ", ".join(f"`{name}`" for name in tests):
        yield "something else than tests in the last column"


def is_test(name: str) -> bool:
    path, colons, function = name.partition("::")
    file = ROOT / path
    if not (path.startswith("tests/") and colons and file.is_file()):
        return False
    return function in functions_of(file)


@cache
def functions_of(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = ast.FunctionDef | ast.AsyncFunctionDef
    names = (node.name for node in tree.body if isinstance(node, found))
    return frozenset(name for name in names if name.startswith("test_"))


def is_here(name: str) -> bool:
    if name.startswith("mailwarden "):
        return is_command(name.split()[1:])
    if name.startswith("/"):
        return is_installed_path(name)
    if (ROOT / name.partition("/")[0]).is_dir() and "/" in name:
        return (ROOT / name).exists()
    if match := TABLE.fullmatch(name):
        return match["key"] in {*sections(), *tables(), *profile_sections()}
    if (match := SETTING.fullmatch(name)) and ("." in name or "=" in name):
        return match["key"] in every_entry() and is_value(name)
    if match := VARIABLE.fullmatch(name):
        return match["name"] in known_variables()
    if name.startswith("X-Mailwarden"):
        return is_own_field(name)
    return name in sources() or name in ANOMALIES


def is_value(statement: str) -> bool:
    """What stands behind a setting may stand there."""
    if "=" not in statement:
        return True
    try:
        Settings.model_validate(tomllib.loads(statement))
    except (ValidationError, tomllib.TOMLDecodeError):
        return False
    return True


def is_command(words: Sequence[str]) -> bool:
    command: click.Command = main
    context = click.Context(main)
    for word in words:
        if word.startswith("-"):
            if word not in options_of(command):
                return False
        elif isinstance(command, click.Group) and word in command.list_commands(context):
            inner = command.get_command(context, word)
            assert inner
            command = inner
        else:
            return False
    return True


def options_of(command: click.Command) -> set[str]:
    own = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    return own | {"-h", "--help"}


def is_installed_path(path: str) -> bool:
    """A directory that the table of SECURITY.md promises, or a file of a known name in one."""
    table = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    if f"| `{path}` |" in table or f"| `{path}/` |" in table:
        return True
    folder, _, name = path.rpartition("/")
    return f"| `{folder}/` |" in table and f'"{name}"' in sources()


@cache
def known_variables() -> frozenset[str]:
    """What the client passes on or is told, and what names the settings."""
    client = (ROOT / "client/mailwarden-queue.c").read_text(encoding="utf-8")
    return VARIABLES | {PATH_VARIABLE} | set(re.findall(r'\("(MAILWARDEN_\w+)"', client))


@cache
def sources() -> str:
    files = [*ROOT.glob("src/mailwarden/**/*.py"), *ROOT.glob("client/*.*")]
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted(files))


def is_own_field(name: str) -> bool:
    rest = name.removeprefix("X-Mailwarden").removeprefix("-")
    endings = set(OWN_FIELD.findall(sources()))
    starts = tuple(ending for ending in endings if ending.endswith("-"))
    return not rest or rest in endings or rest.startswith(starts)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"line {row.line}")
def test_what_a_row_names_is_there_and_each_has_a_test_or_a_reason(row: Row) -> None:
    assert list(complaints_about(row)) == []


def test_every_name_of_the_original_and_the_patch_has_a_row() -> None:
    told = {word for row in rows() for name in QUOTED.findall(row.was) for word in name.split()}
    assert sorted(NAMES - told) == []


def test_the_page_links_to_pages_that_are_there() -> None:
    links = LINK.findall(PAGE.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []


def test_every_option_on_the_page_is_known_to_the_import() -> None:
    told = {name for row in rows() for name in QUOTED.findall(row.was) if name.startswith("--")}
    assert [name for name in sorted(told) if not option_named(name)] == []


def test_every_setting_that_names_its_old_option_is_on_the_row_of_that_option() -> None:
    entries = [entry for entry in every_entry().values() if not entry.key.startswith("profile")]
    by_option = {entry.qmail_scanner: entry.key for entry in entries if entry.qmail_scanner}
    here = {name: row.here for row in rows() for name in QUOTED.findall(row.was)}
    wrong = [
        (option, key)
        for option, key in by_option.items()
        if key not in here.get(f"--{option}", here.get(option, ""))
    ]
    assert wrong == []


SOUND = Row(1, "`--sa-delta`", "`spam.delta`", "`tests/docs/test_parity.py::test_a_sound_row`")


def test_a_sound_row() -> None:
    assert list(complaints_about(SOUND)) == []


@pytest.mark.parametrize(
    "row",
    [
        replace(SOUND, here="`spam.deltas`"),
        replace(SOUND, here="`quarantine.log`"),
        replace(SOUND, here='`spam.delta = "high"`'),
        replace(SOUND, here="`[[profiles]]`"),
        replace(SOUND, here="`mailwarden reports`"),
        replace(SOUND, here="`mailwarden report --htm`"),
        replace(SOUND, here="`mailwarden config import list`"),
        replace(SOUND, here="`SA_FROBNICATE`"),
        replace(SOUND, here="`/var/log/mailwarden/other.log`"),
        replace(SOUND, here="`/etc/other`"),
        replace(SOUND, here="`packaging/other`"),
        replace(SOUND, here="`X-Mailwarden-Other`"),
        replace(SOUND, here="`no-such-" + "anomaly`"),
        replace(SOUND, here=""),
        replace(SOUND, here="gone: because"),
        replace(SOUND, was=""),
        replace(SOUND, shown=""),
        replace(SOUND, shown="see `tests/docs/test_parity.py::test_a_sound_row`"),
        replace(SOUND, shown="`tests/docs/test_parity.py::test_a_sound_raw`"),
        replace(SOUND, shown="`tests/docs/test_parities.py::test_a_sound_row`"),
        replace(SOUND, shown="`tests/docs/test_parity.py`"),
        replace(SOUND, shown="`tests/docs/test_parity.py::complaints_about`"),
    ],
    ids=lambda row: row.here + row.shown,
)
def test_a_row_that_names_what_is_not_there_is_complained_of(row: Row) -> None:
    assert list(complaints_about(row))


def test_what_is_gone_needs_a_reason_and_no_test() -> None:
    told = replace(SOUND, here="gone: nobody knows any more what it did", shown="")
    assert list(complaints_about(told)) == []
