"""What needs a password, and what must not: archives, Office documents, PDF.

`passwords.json` names protected files; `office/msoffcrypto` has documents before and after their
password was taken off; of `office/pypdf-encryption` the file names say whose password there is. A
PDF with an empty user password opens for everybody.
"""

import json
from pathlib import Path

from agreement.frame import Case, Result, Tools
from mailwarden.unpack.members import Trait

MSOFFCRYPTO = "office/msoffcrypto"
PYPDF = "office/pypdf-encryption"

_ENCRYPTED = "encrypted"
_OPEN = "open"
# Whoever opens a PDF is asked for the user's password; the owner's only allows more.
_ASKS_FOR = ("user-password", "both-passwords")


def compare_passwords(tools: Tools) -> Result:
    """All files with a known password must be said to be encrypted."""
    names = json.loads((tools.corpus / "passwords.json").read_text(encoding="utf-8"))
    return Result([_case(tools, tools.corpus, name, _ENCRYPTED) for name in sorted(names)])


def compare_msoffcrypto(tools: Tools) -> Result:
    """Inputs are encrypted, but those that are called plain; outputs are not."""
    folder = tools.corpus / MSOFFCRYPTO
    files = [*sorted(folder.glob("inputs/*")), *sorted(folder.glob("outputs/*"))]
    return Result(
        [
            _case(tools, folder, str(file.relative_to(folder)), _expected_office(file))
            for file in files
        ]
    )


def _expected_office(file: Path) -> str:
    is_plain = file.parent.name == "outputs" or file.name.startswith("plain")
    return _OPEN if is_plain else _ENCRYPTED


def compare_pypdf(tools: Tools) -> Result:
    """What asks the reader for a password is encrypted."""
    folder = tools.corpus / PYPDF
    return Result(
        [
            _case(tools, folder, file.name, _expected_pdf(file.name))
            for file in sorted(folder.glob("*.pdf"))
        ]
    )


def _expected_pdf(name: str) -> str:
    return _ENCRYPTED if any(word in name for word in _ASKS_FOR) else _OPEN


def _case(tools: Tools, folder: Path, name: str, expected: str) -> Case:
    contents = tools.path.unpack((folder / name).read_bytes(), Path(name).name).contents
    is_encrypted = any(Trait.ENCRYPTED in item.traits for item in contents.items)
    return Case(name, "password", _ENCRYPTED if is_encrypted else _OPEN, expected)
