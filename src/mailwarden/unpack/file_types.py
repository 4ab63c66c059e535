"""What octets really are, by content, and which formats they may be opened as."""

import re
from collections.abc import Iterator, Mapping

from mailwarden.unpack.carriers import carriers_of
from mailwarden.unpack.signatures import HEAD_BYTES, behind_stub, ends_as_zip, signed_word
from mailwarden.unpack.text_types import is_text, text_word

# A PDF's signature may stand anywhere in its first 1,024 octets (PDF 1.7, appendix H.3.4.1).
_PDF_SIGNATURE = b"%PDF-"
_PDF_HEAD_BYTES = 1_024

# What Office writes beside an open document: the user's name, in 162 octets (Word) or 165.
_OWNER_NAME = re.compile(r"(?:\A|[/\\])~\$[^/\\]*\Z")
_OWNER_FILE_BYTES = 165
# Types whose files may be nothing but text; every other signature in a text is chance.
_TEXTUAL = frozenset({"rtf", "pdf", "script", "postscript", "ar", "deb", "cpio"})
# What reads as text whatever a client takes it for; empty is nothing at all.
_READ_AS_TEXT = frozenset({"", "text", "html", "xml", "mail"})
# The beginnings of media types that clients show as text (RFC 3464, RFC 8098, RFC 5965).
_SHOWN_AS_TEXT = (
    *("text/", "multipart/"),
    *("message/delivery-status", "message/disposition-notification", "message/feedback-report"),
)


def file_type(octets: bytes) -> str:
    """The real type's word; empty when it is not known. Looks at a bounded number of octets.

    Archives: zip, jar, apk, gzip, bzip2, xz, lzma, lzip, zstd, lz4, lzop, lrzip, compress, tar,
    cpio, ar, deb, rpm, iso, cab, lha, arj, ace, rar, 7z, xar, tnef, alz, egg, sit, szdd, zoo, zpaq,
    pkcs7 (S/MIME), apple-single, apple-double, mac-binary.
    Disks: dmg, qcow2, squashfs, vhd, vhdx, vmdk, wim.
    Documents: ole, msg (Outlook), ooxml (docx, xlsx, pptx ...), odf, rtf, pdf, postscript, onenote,
    access, chm, hlp, active-mime (macros of Word), pst (Outlook).
    Programs: pe (Windows), dos, elf, macho, java-class, msi, lnk, swf, script (`#!`, encoded
    VBScript).
    Texts: html, xml, svg, mail, mbox, text.
    Media: jpeg, png, gif, bmp, tiff, webp, ico, wmf, emf, mp3, mp4, avi, ogg, wav, riff.
    """
    head = octets[:HEAD_BYTES]
    word = signed_word(octets)
    if word in _TEXTUAL or (word and not is_text(head)):
        return word
    if octets.find(_PDF_SIGNATURE, 0, _PDF_HEAD_BYTES) > 0 and not is_text(head):
        return "pdf"
    return text_word(head)


def reads_as_text(octets: bytes, media_type: str) -> bool:
    """Whether a part is nothing but text, by its media type and by content.

    A part of type multipart is one in which nobody finds parts: clients show its text, or nothing.
    """
    return media_type.startswith(_SHOWN_AS_TEXT) and file_type(octets) in _READ_AS_TEXT


def formats_of(octets: bytes, names: tuple[str, ...], media_type: str) -> tuple[str, ...]:
    """Every format that some program would open this as, each once, likeliest first.

    That is by content, by the extension of any candidate name, by media type, and what hides in
    other files: behind a program, at the tail, in the lines of a text.
    """
    return formats_by_type(file_type(octets), octets, names, media_type)


def formats_by_type(
    word: str, octets: bytes, names: tuple[str, ...], media_type: str
) -> tuple[str, ...]:
    """As `formats_of`, where the real type is known already."""
    found = dict.fromkeys(
        (
            *_by_content(word),
            *_by_names(word, names),
            *_by_media_type(media_type),
            *_hidden(octets, word, media_type),
            *carriers_of(octets, word, names, media_type),
        )
    )
    # Both read the same directory, and the opener of such documents takes out all members as well.
    if "ooxml" in found and "zip" in found:
        del found["zip" if word == "ooxml" else "ooxml"]
    return tuple(found)


def is_by_content(name: str, octets: bytes) -> bool:
    """Whether octets are that format and nothing else: no archive behind a program or picture."""
    return name in _by_content(file_type(octets))


def is_certain(name: str, octets: bytes, names: tuple[str, ...]) -> bool:
    """Whether failing to open as that format is a finding: not when only a name was mistaken.

    It is when the content says that format, or when the name does and the content says no other.
    """
    word = file_type(octets)
    if name in _by_content(word):
        return True
    if name == "zip" and ends_as_zip(octets):
        return True
    return (
        bool(octets)
        and not word
        and any(_by_name(each) == name and not _is_owner_file(each, octets) for each in names)
    )


def _is_owner_file(name: str, octets: bytes) -> bool:
    """Whether it says who has a document open: Office leaves `~$report.docx` in the folder."""
    return bool(_OWNER_NAME.search(name)) and len(octets) <= _OWNER_FILE_BYTES


def _by_content(word: str) -> tuple[str, ...]:
    format_ = _FORMAT_OF_TYPE.get(word)
    return () if format_ is None else (format_,)


def _by_names(word: str, names: tuple[str, ...]) -> Iterator[str]:
    """Where macOS puts what it knows of `old.eml` into `._old.eml`, there is no mail in it."""
    for format_ in filter(None, map(_by_name, names)):
        if (format_, word) != ("mail", "apple-double"):
            yield format_


def _by_name(name: str) -> str:
    """The format of a name's extension; Windows drops blanks and dots at the end."""
    shown = name.rstrip(". \0").lower()
    if shown.endswith("winmail.dat"):
        return "tnef"
    return _FORMAT_OF_EXTENSION.get(shown.rpartition(".")[2], "") if "." in shown else ""


def _by_media_type(media_type: str) -> tuple[str, ...]:
    if media_type.startswith("multipart/") and media_type not in _FORMAT_OF_MEDIA_TYPE:
        return ("multipart",)
    format_ = _FORMAT_OF_MEDIA_TYPE.get(media_type)
    return () if format_ is None else (format_,)


def _hidden(octets: bytes, word: str, media_type: str) -> Iterator[str]:
    if word not in _HOLDS_MEMBERS_AS_THEY_ARE and ends_as_zip(octets):
        yield "zip"
    if word in _PROGRAMS:
        yield from behind_stub(octets)
    if octets.find(_PDF_SIGNATURE, 0, _PDF_HEAD_BYTES) >= 0:
        yield "pdf"
    may_hold_lines = word in _MAY_HOLD_LINES or media_type.startswith("text/")
    if may_hold_lines and any(piece in octets for piece in _IN_LINES):
        yield from (format_ for format_, marks in _LINES if _stands_at_line(octets, marks))


def _stands_at_line(octets: bytes, marks: tuple[bytes, ...]) -> bool:
    return any(
        mark in octets
        and (octets.startswith(mark) or b"\n" + mark in octets or b"\r" + mark in octets)
        for mark in marks
    )


# Archives that nothing here can open are named all the same: that is a finding, never nothing.
_FORMAT_OF_TYPE: Mapping[str, str] = {
    **{
        word: word
        for word in (
            *("zip", "gzip", "bzip2", "xz", "lzma", "zstd", "compress", "tar", "cpio", "ar"),
            *("iso", "cab", "lha", "arj", "rar", "7z", "xar", "tnef", "mail"),
            *("ole", "ooxml", "pdf", "rtf"),
            *(
                "lzip",
                "lz4",
                "lzop",
                "lrzip",
                "ace",
                "rpm",
                "alz",
                "egg",
                "sit",
                "szdd",
                "zoo",
                "zpaq",
            ),
            *("dmg", "qcow2", "squashfs", "vhd", "vhdx", "vmdk", "wim", "pst"),
            *("pkcs7", "active-mime", "onenote", "apple-single", "mac-binary", "mbox"),
        )
    },
    "jar": "zip",
    "apk": "zip",
    "odf": "ooxml",
    "msg": "ole",
    "msi": "ole",
    "deb": "ar",
}

_EXTENSIONS: Mapping[str, str] = {
    "zip": "zip zipx jar war ear apk xpi aar crx cbz kmz epub nupkg whl",
    "ooxml": "docx docm dotx dotm xlsx xlsm xlsb xltx xltm xlam pptx pptm potx potm ppsx ppsm ppam"
    " sldx sldm vsdx vsdm thmx odt ods odp odg odf ott ots otp",
    "ole": "doc dot xls xlt xla ppt pot pps ppa vsd msg msi msp pub",
    "pdf": "pdf",
    "rtf": "rtf",
    "gzip": "gz tgz svgz",
    "bzip2": "bz2 bz tbz tbz2",
    "xz": "xz txz",
    "lzma": "lzma tlz",
    "zstd": "zst zstd tzst",
    "compress": "z taz",
    "tar": "tar",
    "cpio": "cpio",
    "rpm": "rpm",
    "lz4": "lz4",
    "lzip": "lz",
    "ar": "deb udeb",
    "iso": "iso",
    "cab": "cab",
    "lha": "lha lzh",
    "arj": "arj",
    "rar": "rar cbr",
    "7z": "7z cb7",
    "xar": "xar",
    "tnef": "tnef",
    "uuencode": "uu uue",
    "yenc": "ync yenc",
    "binhex": "hqx",
    "mail": "eml emlx nws mht mhtml",
    "mbox": "mbox mbx",
    "pkcs7": "p7m p7z",
    "onenote": "one onepkg",
    "alz": "alz",
    "egg": "egg",
    "sit": "sit sitx",
    "wim": "wim swm esd",
    "zoo": "zoo",
    "zpaq": "zpaq",
    "pst": "pst ost",
}
_FORMAT_OF_EXTENSION: Mapping[str, str] = {
    extension: format_ for format_, row in _EXTENSIONS.items() for extension in row.split()
}

_FORMAT_OF_MEDIA_TYPE: Mapping[str, str] = {
    "application/zip": "zip",
    "application/x-zip": "zip",
    "application/x-zip-compressed": "zip",
    "multipart/x-zip": "zip",
    "application/java-archive": "zip",
    "application/gzip": "gzip",
    "application/x-gzip": "gzip",
    "application/x-bzip2": "bzip2",
    "application/x-xz": "xz",
    "application/zstd": "zstd",
    "application/x-compress": "compress",
    "application/x-tar": "tar",
    "application/x-gtar": "tar",
    "application/x-cpio": "cpio",
    "application/x-iso9660-image": "iso",
    "application/vnd.ms-cab-compressed": "cab",
    "application/x-lzh-compressed": "lha",
    "application/x-arj": "arj",
    "application/vnd.rar": "rar",
    "application/x-rar": "rar",
    "application/x-rar-compressed": "rar",
    "application/x-7z-compressed": "7z",
    "application/ms-tnef": "tnef",
    "application/vnd.ms-tnef": "tnef",
    "application/pdf": "pdf",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/mac-binhex40": "binhex",
    "application/x-uuencode": "uuencode",
    "application/x-uue": "uuencode",
    "text/x-uuencode": "uuencode",
    "message/rfc822": "mail",
    "message/global": "mail",
    "application/mbox": "mbox",
    "application/pkcs7-mime": "pkcs7",
    "application/x-pkcs7-mime": "pkcs7",
    "application/applefile": "apple-single",
    "application/macbinary": "mac-binary",
    "application/x-macbinary": "mac-binary",
}

# A zip at the end of these is as a rule their last member, and found as that.
_HOLDS_MEMBERS_AS_THEY_ARE = frozenset(
    {
        *("zip", "jar", "apk", "odf", "ooxml", "tar", "cpio", "ar", "deb", "iso", "cab", "lha"),
        *("arj", "ace", "rar", "7z", "xar", "tnef", "ole", "msg", "msi"),
    }
)
_PROGRAMS = frozenset({"pe", "dos", "elf", "macho"})

# Mail is not among these: the lines of its parts are looked at when it is opened.
_MAY_HOLD_LINES = frozenset({"", "text", "html", "xml", "script"})
_LINES: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("uuencode", (b"begin ", b"begin-base64 ")),
    ("yenc", (b"=ybegin ",)),
    ("binhex", (b"(This file must be converted with BinHex",)),
)
# Each of the marks holds one of these: two searches in most octets, not four.
_IN_LINES = (b"begin", b"(This file must be converted with BinHex")
