"""PDFs whose encryption needs no password: every reader opens them without asking.

`pikepdf` takes the encryption off, where it is installed; without it they count as encrypted.
"""

import io

from mailwarden.unpack.members import UnreadableError


class NotDecryptedError(UnreadableError):
    """A password is needed, or it cannot be told here whether one is."""


def decrypted(octets: bytes) -> bytes:
    """The same document without encryption; as it is when there was none.

    Raises `NotDecryptedError`.
    """
    try:
        import pikepdf
    except ImportError as error:
        raise NotDecryptedError("the library that decrypts PDF is missing") from error
    plain = io.BytesIO()
    try:
        with pikepdf.open(io.BytesIO(octets)) as document:
            if not document.is_encrypted:
                return octets
            # Compressed streams stay that: undoing compression is for those who count.
            document.save(
                plain,
                encryption=False,
                compress_streams=True,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
            )
    # qpdf's own errors, and what its binding makes of C++'s: std::exception, out_of_range ...
    except (
        pikepdf.PasswordError,
        pikepdf.PdfError,
        RuntimeError,
        ValueError,
        IndexError,
        OSError,
    ) as error:
        raise NotDecryptedError("the encryption of the PDF cannot be undone") from error
    return plain.getvalue()
