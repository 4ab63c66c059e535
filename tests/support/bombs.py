"""Messages that cost more to look at than to send, by name."""

from collections.abc import Callable, Mapping

from support.archive_bombs import ARCHIVE_BOMBS
from support.document_bombs import DOCUMENT_BOMBS
from support.mail_bombs import MAIL_BOMBS

BOMBS: Mapping[str, Callable[[], bytes]] = {**MAIL_BOMBS, **ARCHIVE_BOMBS, **DOCUMENT_BOMBS}

# Those that may be looked at wholly, in time, and hold nothing that is forbidden.
HARMLESS = frozenset(
    {
        *("9,999 fields", "addresses", "quoted-printable blanks"),
        *("one zip 1,900 times", "mail of parts in zip"),
        *("zip of 9,999", "zip of long names", "gzip within limits", "tar of long headers"),
        *("gzip of 100,000", "bzip2 of 100,000", "xz of 100,000", "7z of 4,000"),
        *("uuencode begins", "uuencode junk", "pdf object stream of itself", "docx parts"),
        *("docx elements", "docx fields"),
        *("doc sector loop", "doc streams", "doc fields", "doc records"),
        "doc presentation records",
    }
)
