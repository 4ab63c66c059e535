r"""What is in a PDF besides pages: embedded files, scripts, forms, actions (ISO 32000-1).

    << /Type /Filespec /UF (a.exe) /EF << /F 7 0 R >> >>      an embedded file
    << /S /JavaScript /JS (app.alert\(1\)) >>                  a script
    << /S /Launch /F (cmd.exe) >>                             starts a program
    << /S /GoToR ... >>, /SubmitForm, /ImportData             leads elsewhere

This is our own scan; `pikepdf`, where it is installed, only takes off an encryption that needs no
password. Automatic actions (`/AA`, `/OpenAction`) that turn a page are no scripts, and not told.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.pdf.pdf_decryption import NotDecryptedError, decrypted
from mailwarden.unpack.formats.pdf.pdf_objects import Object, Objects
from mailwarden.unpack.formats.pdf.pdf_syntax import Reference, Value, dictionaries
from mailwarden.unpack.members import (
    Member,
    Opened,
    Trait,
    UnreadableError,
    UnsupportedError,
)

_SIGNATURE = b"%PDF-"
# PDF 1.7, appendix H.3.4.1: readers accept it anywhere in there.
_SIGNATURE_BYTES = 1_024

_ACTIONS = {
    "JavaScript": Trait.ACTIVE_CONTENT,
    "Launch": Trait.LAUNCH_ACTION,
    "GoToR": Trait.EXTERNAL_LINK,
    "GoToE": Trait.EXTERNAL_LINK,
    "SubmitForm": Trait.EXTERNAL_LINK,
    "ImportData": Trait.EXTERNAL_LINK,
}
_NAME_KEYS = ("UF", "F", "Unix", "Mac", "DOS")
_SCRIPT_NAME = "script.js"
_FORM_NAME = "form.xml"
_FORM_SCRIPT = b"<script"


def open_pdf(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield traits, embedded files, scripts and XFA forms of a PDF.

    Raises `UnreadableError` for what is none, and `UnsupportedError` at the end for object streams
    that could not be read.
    """
    if octets.find(_SIGNATURE, 0, _SIGNATURE_BYTES) < 0:
        raise UnreadableError("no signature of PDF in the first 1,024 octets")
    objects = Objects(octets, meter)
    if not objects.outer:
        raise UnreadableError("no objects in the PDF")
    if _is_encrypted(objects):
        # Names are never encrypted: what they tell is told in any case.
        yield from _traits(_Scan(objects).outside_streams())
        try:
            objects = Objects(decrypted(octets), meter)
        except NotDecryptedError:
            yield Trait.ENCRYPTED
            return
    yield from _Scan(objects).everywhere()


def _is_encrypted(objects: Objects) -> bool:
    """Whether any trailer, or the dictionary of any cross-reference stream, names an encryption."""
    outer = (found.value for found in objects.outside())
    return any(
        isinstance(value, dict) and isinstance(value.get("Encrypt"), dict | Reference)
        for values in (objects.trailers(), outer)
        for value in values
    )


def _traits(opened: Iterator[Opened]) -> Iterator[Trait]:
    return (found for found in opened if isinstance(found, Trait))


@dataclass(slots=True)
class _Scan:
    """One pass over the objects of a file; each stream and script is yielded once."""

    objects: Objects
    _yielded: set[int | bytes] = field(default_factory=set)

    def everywhere(self) -> Iterator[Opened]:
        """Look at all objects, and at last for embedded files that nothing names."""
        found_outside = tuple(self.objects.outside())
        found_inside = tuple(self.objects.inside(found_outside))
        yield from self._in_objects((*found_outside, *found_inside))
        for found in found_outside:
            if isinstance(found.value, dict) and found.value.get("Type") == "EmbeddedFile":
                yield Trait.EMBEDDED_FILE
                yield from self._file(found, ())
        if self.objects.shut:
            raise UnsupportedError(f"an object stream: {self.objects.shut[0]}")

    def outside_streams(self) -> Iterator[Opened]:
        """Look at the objects that stand in the file itself."""
        return self._in_objects(self.objects.outside())

    def _in_objects(self, objects: Iterable[Object]) -> Iterator[Opened]:
        for found in objects:
            for dictionary in dictionaries(found.value):
                yield from self._in_dictionary(dictionary)

    def _in_dictionary(self, dictionary: dict[str, Value]) -> Iterator[Opened]:
        for action in self.objects.resolve(dictionary.get("S")):
            if isinstance(action.value, str) and action.value in _ACTIONS:
                yield _ACTIONS[action.value]
        if "JS" in dictionary:
            yield Trait.ACTIVE_CONTENT
            yield from self._scripts(dictionary["JS"])
        if "EF" in dictionary:
            yield Trait.EMBEDDED_FILE
            yield from self._files(dictionary)
        if "XFA" in dictionary:
            yield from self._form(dictionary["XFA"])

    def _scripts(self, value: Value) -> Iterator[Opened]:
        for found in self.objects.resolve(value):
            if isinstance(found.value, bytes):
                yield from self._script(found.value)
            elif self._is_new(found.stream_start):
                script = self._decoded(found, (_SCRIPT_NAME,))
                yield from (script,) if script.octets is None else self._script(script.octets)

    def _script(self, octets: bytes) -> Iterator[Opened]:
        if self._is_new(octets):
            self.objects.meter.count_member()
            yield Member((_SCRIPT_NAME,), _text(octets).encode("utf-8", "replace"))

    def _files(self, specification: dict[str, Value]) -> Iterator[Opened]:
        """The streams of a file specification: one, or one for each system."""
        names = tuple(self._names(specification))
        for embedded in self.objects.resolve(specification["EF"]):
            streams = embedded.value.values() if isinstance(embedded.value, dict) else ()
            for stream in streams:
                for found in self.objects.resolve(stream):
                    yield from self._file(found, names)

    def _file(self, found: Object, names: tuple[str, ...]) -> Iterator[Opened]:
        if self._is_new(found.stream_start):
            self.objects.meter.count_member()
            yield self._decoded(found, names)

    def _names(self, specification: dict[str, Value]) -> Iterator[str]:
        names: dict[str, None] = {}
        for key in _NAME_KEYS:
            for found in self.objects.resolve(specification.get(key)):
                if isinstance(found.value, bytes):
                    names[_text(found.value)] = None
        yield from names

    def _form(self, value: Value) -> Iterator[Opened]:
        """An XFA form: one stream, or an array of names with the stream of each packet."""
        packets: list[bytes] = []
        for each in self._packets(value):
            if not self._is_new(each.stream_start):
                continue
            packet = self._decoded(each, (_FORM_NAME,))
            if packet.octets is None:
                yield packet
            else:
                packets.append(packet.octets)
        form = b"".join(packets)
        if form:
            self.objects.meter.count_member()
            yield Member((_FORM_NAME,), form)
        if _FORM_SCRIPT in form:
            yield Trait.ACTIVE_CONTENT

    def _packets(self, value: Value) -> Iterator[Object]:
        for found in self.objects.resolve(value):
            if isinstance(found.value, list):
                for each in found.value:
                    yield from self.objects.resolve(each)
            else:
                yield found

    def _decoded(self, found: Object, names: tuple[str, ...]) -> Member:
        try:
            return Member(names, self.objects.stream(found))
        except (UnsupportedError, UnreadableError) as error:
            return Member(names, None, unopened=str(error))

    def _is_new(self, one: int | bytes | None) -> bool:
        """Whether a stream, by where it starts, or a script was not yielded before."""
        if one is None or one in self._yielded:
            return False
        self._yielded.add(one)
        return True


def _text(octets: bytes) -> str:
    """Text strings (section 7.9.2.2): UTF-16 or UTF-8 with a mark, else nearly Latin-1."""
    for mark, charset in _MARKS:
        if octets.startswith(mark):
            return octets[len(mark) :].decode(charset, "replace")
    return octets.decode("latin-1")


_MARKS = ((b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"), (b"\xef\xbb\xbf", "utf-8"))
