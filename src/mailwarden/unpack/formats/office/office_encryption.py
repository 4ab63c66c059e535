"""Office documents that are encrypted with a password which the programs know themselves.

Excel and PowerPoint protect a document that may be read but not changed by encrypting it with a
fixed password, and open it without asking. `msoffcrypto` decrypts it; what it cannot open with
these passwords is encrypted for good. Source: [MS-OFFCRYPTO] 2.3, [MS-XLS] 2.4.191.
"""

import io
import re
import zlib
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile

import msoffcrypto  # type: ignore[import-untyped]  # ships no types
from cryptography.exceptions import UnsupportedAlgorithm
from msoffcrypto.exceptions import (  # type: ignore[import-untyped]  # ships no types
    DecryptionError,
    FileFormatError,
    InvalidKeyError,
    ParseError,
)

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.compound_file import LIBRARY_ERRORS, MAGIC, CompoundFile

_KNOWN_PASSWORDS = (
    "VelvetSweatshop",  # Excel
    "/01Hannes Ruescher/01",  # PowerPoint
)
# Office writes 100,000 rounds of hashing (0.1 s here); more are honest hardly ever and cost time.
_MOST_ROUNDS = 200_000
_ROUNDS = re.compile(rb"spinCount\s{0,9}=\s{0,9}[\"']\s{0,9}(\d{1,12})")
# The library opens the file once more, in time that grows with the square of its streams.
_MOST_STREAMS = 1000
# It goes through the older formats byte by byte: a second for each 5 MB.
_MOST_BYTES = 10_000_000

_DOCUMENT_STARTS = (b"PK\x03\x04", MAGIC)

_ERRORS = (
    *LIBRARY_ERRORS,
    *(BadZipFile, ExpatError, UnsupportedAlgorithm, zlib.error),
    *(DecryptionError, FileFormatError, InvalidKeyError, ParseError),
)


def decrypt_with_known_password(compound: CompoundFile, meter: Meter) -> bytes | None:
    """The decrypted document, None when no known password opens it; raises `OverLimitError`."""
    if not _is_affordable(compound, meter):
        return None
    meter.count_bytes(len(compound.octets))
    for password in _KNOWN_PASSWORDS:
        decrypted = _decrypt(compound.octets, password)
        if decrypted is not None:
            return decrypted
    return None


def _is_affordable(compound: CompoundFile, meter: Meter) -> bool:
    if len(compound.streams) > _MOST_STREAMS:
        return False
    is_package = any(stream.name == "encryptedpackage" for stream in compound.streams)
    if not is_package and len(compound.octets) > _MOST_BYTES:
        return False
    if any(stream.size_bytes > len(compound.octets) for stream in compound.streams):
        return False
    descriptions = (
        compound.read(stream, meter)
        for stream in compound.streams
        if stream.name == "encryptioninfo"
    )
    return all(
        int(rounds) <= _MOST_ROUNDS
        for description in descriptions
        for rounds in _ROUNDS.findall(description)
    )


def _decrypt(octets: bytes, password: str) -> bytes | None:
    """What one password makes of it, None when that is no document.

    The library's own check of the password is not asked: it says no to every one where the hash is
    SHA-1, which is what Office 2007 and 2010 write.
    """
    decrypted = io.BytesIO()
    try:
        document = msoffcrypto.OfficeFile(io.BytesIO(octets))
        document.load_key(password=password)
        document.decrypt(decrypted)
    except _ERRORS:
        return None
    return decrypted.getvalue() if decrypted.getvalue().startswith(_DOCUMENT_STARTS) else None
