"""Builds old installations: the files that Qmail-Scanner and simscan leave on a machine.

Nothing is copied from these programs: the lines are those of the page and of simscan's README, the
program is a first part of our own with the variables that the page names.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

# The page's two examples, as an administrator typed them.
_OPTIONS = r"""--domain mydomain.com \
    --admin antivirus \
    --admin-fromname "Antivirus MYDOMAIN" \
    --add-dscr-hdrs yes \
    --dscr-hdrs-text "X-Antivirus-MYDOMAIN" \
    --ignore-eol-check yes \
    --redundant yes \
    --max-zip-size 50000000 \
    --virus-to-delete yes \
    --block-password-protected yes \
    --sa-quarantine 2.1 \
    --sa-delete 4.2 \
    --sa-reject yes \
    --sa-subject "SPAM *** " \
    --sa-delta 0.5 \
    --sa-alt yes \
    --sa-debug yes \
    --sa-report yes \
    --sa-socket /var/run/spamd [ --install ]
"""
NEW_LINE = f"./configure {_OPTIONS}"
UPGRADE_LINE = f"./configure --qs-user qmailq \\\n    --qs-group qmail \\\n    {_OPTIONS}"

RULES = b"# names\neicar.com\t69\tEICAR Test Virus\n.pif\t0\tPIF files are not allowed\n"
TCP_RULES = (
    b"# who may relay\n"
    b'127.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-queue"\n'
    b'192.0.2.25:allow,QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl",SA_ONLYDELETE_HOST="on"\n'
    b':allow,QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"\n'
)
SIMCONTROL = b"""\
postmaster@example.com:clam=yes,spam=no,attach=.txt:.com
example.com:clam=no,spam=yes,attach=.mp3
:clam=yes,spam=yes,spam_hits=20.1
"""


def folded(line: str) -> str:
    """A line as the page shows it: its ends lost, its backslashes left."""
    return " ".join(line.split("\n")).replace("    ", "")


def program(assignments: Iterable[str] = (), recorded: str = "") -> bytes:
    """An installed program: the first part with these assignments, and code behind it."""
    comment = "".join(f"# {line}\n" for line in recorded.splitlines())
    text = "".join(f"{one}\n" for one in assignments)
    return (
        f"#!/usr/bin/perl -T\n# Qmail-Scanner 1.24st\n{comment}use strict;\n{text}\n"
        "sub working_copy {\n  my $sa_delete='99';\n}\n"
    ).encode()


def written(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write files, by their paths below a folder; returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
