r"""What mail programs and Windows could take a file's name for, and what is odd about it.

A name is whatever a message says: `..\a.exe`, `invoice.pdf.exe`, `a.exe\0.txt`, `a.exe::$DATA`,
`a<U+202E>fdp.exe`. Every function here is pure and takes linear time; names are cut before any
regular expression sees them. Names of files: Microsoft's "Naming Files, Paths, and Namespaces".
"""

import re
from collections.abc import Mapping
from enum import StrEnum

# A subject has some hundred characters, a name at most 255: what is longer is looked at from both
# of its ends, for the work of a pattern like .*a.*b grows with the square of what it sees.
READ_CHARACTERS = 1_000
# Windows allows 255 UTF-16 units, Unix 255 bytes. Characters are counted, not bytes: 90 Japanese
# ones are ordinary, and 270 bytes of UTF-8.
_LONGEST_NAME = 256
# Blanks that push an ending out of a narrow column; people type one or two by mistake.
_HIDING_BLANKS = 3

# What every program takes for the same name; nearly every name is one.
_PLAIN = re.compile(r"[A-Za-z0-9_()+ .-]{0,200}[A-Za-z0-9_()+-]")
# `a.exe::$DATA` and `a.exe:x:$DATA` are a.exe, or a stream of it, to NTFS.
_STREAM = re.compile(r":[^:]*:\$data\Z", re.IGNORECASE)
_CLASS_ID = re.compile(r"\.\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}\Z", re.IGNORECASE)
_TWO_ENDINGS = re.compile(
    r"\.(?P<shown>[a-z0-9]{2,5})(?P<blanks>[\s_]*)\.(?P<ending>[a-z0-9_-]{1,24})\Z", re.IGNORECASE
)
# What people take for harmless when they see it in the middle of a name. Not htm and html:
# translated and generated pages are called `index.html.js`.
_DOCUMENTS = frozenset(
    {
        *("bmp", "csv", "doc", "docx", "eml", "gif", "jpeg", "jpg", "mov", "mp3", "mp4", "msg"),
        *("odp", "ods", "odt", "pdf", "png", "ppt", "pptx", "rtf", "tif", "tiff", "txt", "wav"),
        *("xls", "xlsx", "zip"),
    }
)

# What mail programs and Windows add to a name without an ending, where they know the type.
_ENDING_OF_MEDIA_TYPE: Mapping[str, str] = {
    "application/hta": "hta",
    "application/javascript": "js",
    "application/java-archive": "jar",
    "application/vnd.android.package-archive": "apk",
    "application/vnd.ms-htmlhelp": "chm",
    "application/vnd.microsoft.portable-executable": "exe",
    "application/x-bat": "bat",
    "application/x-dosexec": "exe",
    "application/x-java-jnlp-file": "jnlp",
    "application/x-javascript": "js",
    "application/x-ms-application": "application",
    "application/x-ms-shortcut": "lnk",
    "application/x-msdos-program": "exe",
    "application/x-msdownload": "exe",
    "application/x-msi": "msi",
    "text/javascript": "js",
    "text/scriptlet": "sct",
    "text/vbscript": "vbs",
}


class NameForm(StrEnum):
    """Something odd about a name, by the word that rules use."""

    TOO_LONG = "too-long"  # longer than any file system allows (FILELENGTHTOOLONG)
    DOUBLE_EXTENSION = "double-extension"  # invoice.pdf.exe (FILEDOUBLEBARRELED)
    CLASS_ID = "class-id"  # photo.{00020906-...}: Windows hides the ending (FILECLSID)


def bounded(text: str) -> tuple[str, ...]:
    """A text as patterns may see it: whole, or its two ends when it is very long."""
    if len(text) <= READ_CHARACTERS:
        return (text,)
    return text[:READ_CHARACTERS], text[-READ_CHARACTERS:]


def readings_of(name: str) -> tuple[str, ...]:
    """Return what programs could call the file, each once, without its folders.

    Some end a name at its first NUL, and some leave out what cannot be seen. Dots and blanks at
    the end do not count, nor does the name of a stream.
    """
    if _PLAIN.fullmatch(name):
        return (name,)
    readings = (
        reading
        for cut in (name.partition("\0")[0], name)
        for end in bounded(_without_folders(cut))
        if (reading := _visible(end))
    )
    return tuple(dict.fromkeys(readings))


def extensions_of(name: str) -> frozenset[str]:
    """Return what programs could take for a name's extension, in lower case, without the dot."""
    return frozenset(filter(None, map(extension_of, readings_of(name))))


def implied_extension(media_type: str) -> str:
    """Return the extension that a file of that type gets where its name has none; else empty."""
    return _ENDING_OF_MEDIA_TYPE.get(media_type, "")


def extension_of(reading: str) -> str:
    """Return what one reading ends in, in lower case, without the dot; empty for nothing."""
    return reading.rpartition(".")[2].strip().lower() if "." in reading else ""


def has_form(name: str, form: NameForm, started: frozenset[str]) -> bool:
    """Whether a name is odd in that way; `started` are extensions of files that programs start."""
    match form:
        case NameForm.TOO_LONG:
            return len(_without_folders(name)) > _LONGEST_NAME
        case NameForm.CLASS_ID:
            return any(_CLASS_ID.search(reading) for reading in readings_of(name))
        case NameForm.DOUBLE_EXTENSION:
            return any(_is_double(reading, started) for reading in readings_of(name))


def _without_folders(name: str) -> str:
    """A name that ends in a separator is a folder's, and has no ending."""
    return name[max(name.rfind("/"), name.rfind("\\")) + 1 :] or name


def _visible(name: str) -> str:
    shown = "".join(filter(str.isprintable, name)).rstrip(". ")
    return _STREAM.sub("", shown).rstrip(". ")


def _is_double(reading: str, started: frozenset[str]) -> bool:
    match = _TWO_ENDINGS.search(reading)
    if match is None or match["shown"].lower() not in _DOCUMENTS:
        return False
    ending = match["ending"].lower()
    is_hidden = len(match["blanks"]) >= _HIDING_BLANKS and ending not in _DOCUMENTS
    return ending in started or is_hidden
