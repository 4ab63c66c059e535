"""Fields that a spam scanner is shown on top of a message, for rules about envelope and files.

    X-Envelope-From: <sender>
    X-Qmail-Scanner-Mime-Attachments: |a.doc|b.zip|
    X-Qmail-Scanner-Zip-Files: |c.exe|

They are in no delivered copy. Source: facts 3.9 (Qmail-Scanner 2.x).
"""

from collections.abc import Iterable

from mailwarden.message.field_text import address_text, plain_text
from mailwarden.unpack.contents import Contents

# SpamAssassin cuts a field's value at 8 KB; a hostile message has thousands of names.
_SHOWN_NAMES = 50
_NAME_CHARACTERS = 100


def helper_fields(sender: bytes, contents: Contents) -> bytes:
    """The fields, whole, with LF; a list without names is a single `|`."""
    attached = (item.names[0] for item in contents.items if item.names and item.depth == 1)
    inside = (item.names[0] for item in contents.items if item.names and item.depth > 1)
    return (
        f"X-Envelope-From: <{address_text(sender)}>\n"
        f"X-Qmail-Scanner-Mime-Attachments: {_listed(attached)}\n"
        f"X-Qmail-Scanner-Zip-Files: {_listed(inside)}\n"
    ).encode("ascii")


def _listed(names: Iterable[str]) -> str:
    shown = [
        plain_text(name, _NAME_CHARACTERS).replace("|", "!")
        for name, _ in zip(names, range(_SHOWN_NAMES), strict=False)
    ]
    return "|" + "".join(f"{name}|" for name in shown)
