"""Which opener takes which format: the one table.

Importing it loads every foreign library; only the helper processes do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mailwarden.unpack.formats.archives.cab import open_cab
from mailwarden.unpack.formats.archives.iso import open_iso
from mailwarden.unpack.formats.archives.lha import open_lha
from mailwarden.unpack.formats.archives.libarchive_archive import open_ar, open_cpio, open_xar
from mailwarden.unpack.formats.archives.libarchive_filter import (
    open_compress,
    open_lz4,
    open_lzip,
    open_zstd,
)
from mailwarden.unpack.formats.archives.rar import open_rar
from mailwarden.unpack.formats.archives.seven_zip import open_7z
from mailwarden.unpack.formats.archives.streams import open_bzip2, open_gzip, open_lzma, open_xz
from mailwarden.unpack.formats.archives.unar import open_unar
from mailwarden.unpack.formats.mail.apple_forks import open_apple_single, open_mac_binary
from mailwarden.unpack.formats.mail.mail import open_mail
from mailwarden.unpack.formats.mail.mbox import open_mbox
from mailwarden.unpack.formats.mail.multipart import open_multipart
from mailwarden.unpack.formats.mail.page_archive import open_page_archive
from mailwarden.unpack.formats.mail.pkcs7 import open_pkcs7
from mailwarden.unpack.formats.office.active_mime import open_active_mime
from mailwarden.unpack.formats.office.flat_office import open_flat_office
from mailwarden.unpack.formats.office.ole import open_ole
from mailwarden.unpack.formats.office.onenote import open_onenote
from mailwarden.unpack.formats.office.ooxml import open_ooxml
from mailwarden.unpack.formats.office.rtf import open_rtf
from mailwarden.unpack.formats.office.sylk import open_sylk
from mailwarden.unpack.formats.outlook.tnef import open_tnef
from mailwarden.unpack.formats.pdf.pdf import open_pdf
from mailwarden.unpack.formats.tar.tar_archive import open_tar
from mailwarden.unpack.formats.text.binhex import open_binhex
from mailwarden.unpack.formats.text.calendar import open_calendar
from mailwarden.unpack.formats.text.markup import open_markup
from mailwarden.unpack.formats.text.uuencode import open_uuencode
from mailwarden.unpack.formats.text.yenc import open_yenc
from mailwarden.unpack.formats.zip.zip_archive import open_zip
from mailwarden.unpack.members import Opener


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is opened.

    An archive is nothing but its members, so scanners need not see it once it is wholly opened. A
    document (`is_document`) is more than what is embedded in it: scanners see it as well.
    """

    opener: Opener
    is_document: bool = False


FORMATS: Mapping[str, Format] = {
    "7z": Format(open_7z),
    "active-mime": Format(open_active_mime, is_document=True),
    "apple-single": Format(open_apple_single, is_document=True),
    "ar": Format(open_ar),
    "arj": Format(open_unar),
    "binhex": Format(open_binhex, is_document=True),
    "bzip2": Format(open_bzip2),
    "cab": Format(open_cab),
    "calendar": Format(open_calendar, is_document=True),
    "compress": Format(open_compress),
    "cpio": Format(open_cpio),
    "flat-office": Format(open_flat_office, is_document=True),
    "gzip": Format(open_gzip),
    "iso": Format(open_iso),
    "lha": Format(open_lha),
    "lz4": Format(open_lz4),
    "lzip": Format(open_lzip),
    "lzma": Format(open_lzma),
    "mac-binary": Format(open_mac_binary, is_document=True),
    "mail": Format(open_mail, is_document=True),
    "markup": Format(open_markup, is_document=True),
    "mbox": Format(open_mbox, is_document=True),
    "multipart": Format(open_multipart, is_document=True),
    "ole": Format(open_ole, is_document=True),
    "onenote": Format(open_onenote, is_document=True),
    "ooxml": Format(open_ooxml, is_document=True),
    "page-archive": Format(open_page_archive, is_document=True),
    "pdf": Format(open_pdf, is_document=True),
    "pkcs7": Format(open_pkcs7, is_document=True),
    "rar": Format(open_rar),
    "rtf": Format(open_rtf, is_document=True),
    "sylk": Format(open_sylk, is_document=True),
    "tar": Format(open_tar),
    "tnef": Format(open_tnef),
    "uuencode": Format(open_uuencode, is_document=True),
    "xar": Format(open_xar),
    "xz": Format(open_xz),
    "yenc": Format(open_yenc, is_document=True),
    "zip": Format(open_zip),
    "zstd": Format(open_zstd),
}
