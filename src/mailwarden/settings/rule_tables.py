"""Attachment rules as tables of the settings file, `[[attachments.rules]]`, and what they make.

How rules are tried is said in `verdict.rules`; what each condition means, in `verdict.conditions`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from mailwarden.settings.rule_files import RuleFile
from mailwarden.settings.values import (
    MOST_BYTES,
    Extension,
    Line,
    ListOf,
    Section,
    Words,
    absolute_path,
)
from mailwarden.unpack.members import Trait
from mailwarden.verdict import conditions
from mailwarden.verdict.conditions import MOST_DEPTH, FileCondition, MessageCondition, Pattern
from mailwarden.verdict.default_rules import odd_name
from mailwarden.verdict.file_names import NameForm
from mailwarden.verdict.rules import Action, Rule, compile_pattern

# The words of `unpack.file_types`; its docstring says which is what.
FILE_TYPES = frozenset(
    {
        *("zip", "jar", "apk", "gzip", "bzip2", "xz", "lzma", "lzip", "zstd", "lz4", "lzop"),
        *("lrzip", "compress", "tar", "cpio", "ar", "deb", "rpm", "iso", "cab", "lha", "arj"),
        *("ace", "rar", "7z", "xar", "tnef", "alz", "egg", "sit", "szdd", "zoo", "zpaq"),
        *("pkcs7", "apple-single", "apple-double", "mac-binary", "active-mime", "pst"),
        *("dmg", "qcow2", "squashfs", "vhd", "vhdx", "vmdk", "wim"),
        *("ole", "msg", "ooxml", "odf", "rtf", "pdf", "postscript", "onenote", "access", "chm"),
        *("hlp", "pe", "dos", "elf", "macho", "java-class", "msi", "lnk", "swf", "script"),
        *("html", "xml", "svg", "mail", "mbox", "text"),
        *("jpeg", "png", "gif", "bmp", "tiff", "webp", "ico", "wmf", "emf"),
        *("mp3", "mp4", "avi", "ogg", "wav", "riff"),
    }
)
# The formats that are opened (`unpack.openers`), and the message itself.
CONTAINERS = frozenset(
    {
        *("message", "zip", "gzip", "bzip2", "xz", "lzma", "lzip", "lz4", "zstd", "compress"),
        *("tar", "cpio", "ar"),
        *("iso", "cab", "lha", "arj", "rar", "7z", "xar", "uuencode", "yenc", "binhex", "tnef"),
        *("mail", "mbox", "multipart", "page-archive", "pkcs7", "apple-single", "mac-binary"),
        *("ole", "ooxml", "pdf", "rtf", "onenote", "active-mime", "flat-office", "sylk"),
        *("markup", "calendar"),
    }
)
_TRAITS = frozenset(trait.value for trait in Trait)
_SHOWN_WORDS = "docs/reference/attachment-rules.md"
_NETWORK = "an IP address or network, as 192.0.2.0/24"


def _word_of(words: frozenset[str], phrase: str) -> Callable[[str], str]:
    def known(text: str) -> str:
        if text not in words:
            near = get_close_matches(text, words, 1)
            meant = f'did you mean "{near[0]}"?' if near else f"as {_SHOWN_WORDS} lists them"
            raise ValueError(f"expected {phrase}, {meant}")
        return text

    return known


def _pattern(text: str) -> str:
    compile_pattern(text, ignore_case=True)
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"expected {_NETWORK}") from None
    return text


def _rule_file(value: object) -> RuleFile:
    return value if isinstance(value, RuleFile) else RuleFile(absolute_path(value))


def _path_text(file: RuleFile) -> str:
    return str(file.path)


RuleFilePath = Annotated[
    RuleFile,
    PlainValidator(_rule_file),
    PlainSerializer(_path_text, return_type=str),
    WithJsonSchema({"type": "string"}),
    Words("an absolute path"),
]
RuleName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9-]{0,40}$"),
    Words("a word of small letters, digits and hyphens"),
]
Glob = Annotated[Line, Field(min_length=1, max_length=255), Words("a file name, * and ? for any")]
Regex = Annotated[str, AfterValidator(_pattern), Words("a regular expression of Python")]
FieldName = Annotated[
    str, Field(pattern=r"^[!-9;-~]{0,80}$"), Words("a header field's name, without the colon")
]
FileTypeWord = Annotated[
    str,
    AfterValidator(_word_of(FILE_TYPES, "a file type's word")),
    Words("a file type's word"),
]
TraitWord = Annotated[
    str, AfterValidator(_word_of(_TRAITS, "a trait's word")), Words("a trait's word")
]
ContainerWord = Annotated[
    str,
    AfterValidator(_word_of(CONTAINERS, "a container's word")),
    Words("a container's word"),
]
NetworkText = Annotated[str, AfterValidator(_network), Words(_NETWORK)]
SizeBytes = Annotated[int, Field(ge=0, le=MOST_BYTES), Words("a whole number", unit="bytes")]
Depth = Annotated[int, Field(ge=1, le=MOST_DEPTH), Words("a whole number")]
Maybe = Literal["any", "yes", "no"]


class RuleSettings(Section):
    """One attachment rule: all its conditions must hold, and patterns match whole values."""

    rule: RuleName = Field(
        "", description="What its findings are called; empty is rule-1, rule-2 ... in order."
    )
    action: Literal["deny", "allow"] = Field(
        "deny", description="deny is a policy finding; allow lets pass what later rules deny."
    )
    description: Line = Field(
        "", max_length=200, description="One sentence for people who read why."
    )
    name: ListOf[Glob] = Field(
        (), description="Names without folders; case does not count, * and ? stand for any."
    )
    name_regex: Regex = Field("", description="Matches the name without folders, in any case.")
    name_form: ListOf[Literal["too-long", "double-extension", "class-id"]] = Field(
        (), description="What is odd about the name."
    )
    extension: ListOf[Extension] = Field((), description="What the name ends in.")
    type: ListOf[FileTypeWord] = Field(
        (), description="What the file really is, whatever its name."
    )
    min_size_bytes: SizeBytes = Field(0, description="Smallest size that counts.")
    max_size_bytes: SizeBytes = Field(MOST_BYTES, description="Largest size that counts.")
    min_depth: Depth = Field(1, description="Lies in at least so many containers; see max_depth.")
    max_depth: Depth = Field(
        MOST_DEPTH,
        description="Lies in at most so many containers: an attachment in 1, a file in it in 2.",
    )
    container: ListOf[ContainerWord] = Field(
        (), description="What it lies in directly: message, or an archive's format."
    )
    encrypted: Maybe = Field("any", description="Needs a password.")
    traits: ListOf[TraitWord] = Field((), description="Has one of these traits.")
    header: FieldName = Field("", description="The message has this header field.")
    header_regex: Regex = Field(
        "", description="Matches the field's value, decoded or as written, in any case."
    )
    sender_regex: Regex = Field("", description="Matches the envelope sender, in any case.")
    recipient_regex: Regex = Field(
        "", description="Matches an envelope recipient, in any case; to allow, all of them."
    )
    client: ListOf[NetworkText] = Field((), description="Networks that the client is in.")
    relay_client: Maybe = Field("any", description="The client may relay (RELAYCLIENT).")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.header_regex and not self.header:
            raise ValueError("header_regex needs header, the name of the field")
        if self.min_size_bytes > self.max_size_bytes:
            raise ValueError("min_size_bytes is above max_size_bytes")
        if self.min_depth > self.max_depth:
            raise ValueError("min_depth is above max_depth")
        if not self._of_file() and not self._of_message():
            raise ValueError("a rule needs a condition, or it would be about every message")
        return self

    def rule_at(self, number: int) -> Rule:
        """The rule; `number` is its place among the tables, from 1."""
        name = self.rule or f"rule-{number}"
        return Rule(
            Action(self.action),
            name,
            self.description or f"The attachment rule {name} matches.",
            self._of_file(),
            self._of_message(),
        )

    def _of_file(self) -> tuple[FileCondition, ...]:
        return tuple(self._file_conditions())

    def _of_message(self) -> tuple[MessageCondition, ...]:
        return tuple(self._message_conditions())

    def _file_conditions(self) -> Iterator[FileCondition]:
        if self.name:
            yield _named(self.name)
        if self.name_regex:
            yield conditions.NameMatches(_compiled(self.name_regex))
        if self.name_form:
            yield odd_name(*map(NameForm, self.name_form))
        if self.extension:
            yield conditions.Extension(frozenset(self.extension))
        yield from self._content_conditions()
        yield from self._place_conditions()

    def _content_conditions(self) -> Iterator[FileCondition]:
        if self.type:
            yield conditions.RealType(frozenset(self.type))
        if (self.min_size_bytes, self.max_size_bytes) != (0, MOST_BYTES):
            yield conditions.Size(self.min_size_bytes, self.max_size_bytes)
        if self.encrypted != "any":
            yield conditions.Encrypted(is_encrypted=self.encrypted == "yes")
        if self.traits:
            yield conditions.HasTrait(frozenset(map(Trait, self.traits)))

    def _place_conditions(self) -> Iterator[FileCondition]:
        if (self.min_depth, self.max_depth) != (1, MOST_DEPTH):
            yield conditions.Depth(self.min_depth, self.max_depth)
        if self.container:
            yield conditions.InContainer(frozenset(self.container))

    def _message_conditions(self) -> Iterator[MessageCondition]:
        if self.header:
            pattern = _compiled(self.header_regex or ".*")
            yield conditions.HeaderField(self.header.lower(), pattern)
        if self.sender_regex:
            yield conditions.Sender(_compiled(self.sender_regex))
        if self.recipient_regex:
            yield conditions.Recipient(_compiled(self.recipient_regex))
        if self.client:
            networks = (ipaddress.ip_network(one, strict=False) for one in self.client)
            yield conditions.ClientIn(tuple(networks))
        if self.relay_client != "any":
            yield conditions.FromRelayClient(may_relay=self.relay_client == "yes")


def _compiled(text: str) -> Pattern:
    return compile_pattern(text, ignore_case=True)


def _named(globs: tuple[str, ...]) -> FileCondition:
    """Plain names are found in one look; with a wildcard among them, a pattern is needed."""
    if not any(set("*?") & set(glob) for glob in globs):
        return conditions.Named(frozenset(map(str.lower, globs)))
    return conditions.NameMatches(_compiled("|".join(map(_glob_pattern, globs))))


def _glob_pattern(glob: str) -> str:
    r"""`*` and `?` alone are special: `[1]` is common in names. Atomic, so never slow.

    `a*b*c` is `a(?>.*?b).*c`, for the first `b` is as good as any other: fnmatch(3).
    """
    first, *inner = [_without_stars(piece) for piece in glob.split("*")]
    if not inner:
        return first
    *middle, last = inner
    return first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + f".*{last}"


def _without_stars(piece: str) -> str:
    return re.escape(piece).replace(r"\?", ".")
