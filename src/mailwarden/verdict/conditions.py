"""The conditions of attachment rules: what a file, or the message around it, must be like.

A sender may give a thing several readings (two names, a header field twice). A rule that denies
takes any of them, a rule that allows needs all of them: `how` is `any` or `every`. Patterns must
match the whole of a value.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailwarden.unpack.contents import Item
from mailwarden.unpack.members import Trait
from mailwarden.verdict.file_names import (
    NameForm,
    bounded,
    extension_of,
    has_form,
    implied_extension,
    readings_of,
)
from mailwarden.verdict.message_facts import MessageFacts

# No limit of depth is set so high (`limits.depth`, `unpacking.depth`).
MOST_DEPTH = 1_000

Quantifier = Callable[[Iterable[bool]], bool]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Pattern = re.Pattern[str]


def every(answers: Iterable[bool]) -> bool:
    """Whether there is an answer, and all are yes: nothing is allowed for having no name at all."""
    found = list(answers)
    return bool(found) and all(found)


@dataclass(frozen=True, slots=True)
class File:
    """One item as conditions see it: `names` are all readings, `extensions` what they end in.

    Where no name has one, it is the one that programs add for the media type.
    """

    item: Item
    names: tuple[str, ...]
    extensions: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """What rules that name such things are found by: `eicar.com`, `.com`, `pe`, `link`.

        A file called `pe` is found by rules about programs, too; that costs a question, no more.
        """
        names, endings = map(str.lower, self.names), (f".{one}" for one in self.extensions)
        return frozenset((*names, *endings, self.item.file_type, *self.item.traits))


def file_of(item: Item) -> File:
    """Read an item's names once for all rules."""
    names = tuple(dict.fromkeys(name for one in item.names for name in readings_of(one)))
    extensions = frozenset(filter(None, map(extension_of, names)))
    implied = implied_extension(item.media_type)
    return File(item, names, extensions or frozenset((implied,) if implied else ()))


def encrypted_format(item: Item) -> str:
    """The format that asks for a password: the thing's own, or the one that it lies in."""
    if Trait.ENCRYPTED not in item.traits:
        return ""
    return item.file_type or item.containers[-1]


@dataclass(frozen=True, slots=True)
class Named:
    """It has one of these names, in lower case; case does not count."""

    names: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """As in `File.keys`."""
        return self.names

    def holds(self, file: File, how: Quantifier) -> bool:
        """Whether the condition holds."""
        return how(name.lower() in self.names for name in file.names)


@dataclass(frozen=True, slots=True)
class NameMatches:
    """Its name matches a pattern."""

    pattern: Pattern

    def holds(self, file: File, how: Quantifier) -> bool:
        """Whether the condition holds."""
        return how(_matches(self.pattern, name) for name in file.names)


@dataclass(frozen=True, slots=True)
class Extension:
    """Its name ends in one of these, in lower case, without the dot."""

    extensions: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """As in `File.keys`."""
        return frozenset(f".{extension}" for extension in self.extensions)

    def holds(self, file: File, how: Quantifier) -> bool:
        """Whether the condition holds."""
        return how(extension in self.extensions for extension in file.extensions)


@dataclass(frozen=True, slots=True)
class OddName:
    """Its name has one of these forms; `started` are extensions of files that programs start.

    Too long it is only when no reading is shorter: an encoded name, seen undecoded, always is.
    """

    forms: frozenset[NameForm]
    started: frozenset[str]

    def holds(self, file: File, how: Quantifier) -> bool:
        """Whether the condition holds."""
        return any(self._has(form, file, how) for form in self.forms)

    def _has(self, form: NameForm, file: File, how: Quantifier) -> bool:
        chosen = every if form is NameForm.TOO_LONG else how
        return chosen(has_form(name, form, self.started) for name in file.item.names)


@dataclass(frozen=True, slots=True)
class RealType:
    """It really is of one of these types, whatever its name says (the words of `file_types`)."""

    types: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """As in `File.keys`."""
        return self.types

    def holds(self, file: File, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return file.item.file_type in self.types


@dataclass(frozen=True, slots=True)
class Size:
    """It has at least and at most so many bytes; a size that is not known holds for none."""

    least_bytes: int
    most_bytes: int

    def holds(self, file: File, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        size = file.item.size_bytes
        return size is not None and self.least_bytes <= size <= self.most_bytes


@dataclass(frozen=True, slots=True)
class Depth:
    """It lies in so many containers; an attachment lies in one, the message."""

    least: int
    most: int

    def holds(self, file: File, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return self.least <= file.item.depth <= self.most


@dataclass(frozen=True, slots=True)
class HasTrait:
    """It has one of these traits."""

    traits: frozenset[Trait]

    @property
    def keys(self) -> frozenset[str]:
        """As in `File.keys`."""
        return frozenset(self.traits)

    def holds(self, file: File, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return not self.traits.isdisjoint(file.item.traits)


@dataclass(frozen=True, slots=True)
class Encrypted:
    """It needs a password, or does not; with `format`, only what that format protects counts."""

    is_encrypted: bool
    format: str = ""

    def holds(self, file: File, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        format_ = encrypted_format(file.item)
        return (format_ == self.format if self.format else bool(format_)) == self.is_encrypted


@dataclass(frozen=True, slots=True)
class InContainer:
    """It lies directly in one of these formats; `message` is the message itself."""

    formats: frozenset[str]

    def holds(self, file: File, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return file.item.containers[-1] in self.formats


@dataclass(frozen=True, slots=True)
class HeaderField:
    """The message has this field (its name in lower case) with a value that matches."""

    name: str
    pattern: Pattern

    def holds(self, facts: MessageFacts, how: Quantifier) -> bool:
        """Whether the condition holds."""
        return how(_matches(self.pattern, value) for value in facts.fields.get(self.name, ()))


@dataclass(frozen=True, slots=True)
class Sender:
    """The envelope's sender matches; it is empty for a bounce."""

    pattern: Pattern

    def holds(self, facts: MessageFacts, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return _matches(self.pattern, facts.sender)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient of the envelope matches; to allow, all of them must."""

    pattern: Pattern

    def holds(self, facts: MessageFacts, how: Quantifier) -> bool:
        """Whether the condition holds."""
        return how(_matches(self.pattern, address) for address in facts.recipients)


@dataclass(frozen=True, slots=True)
class ClientIn:
    """The client's address is in one of these networks."""

    networks: tuple[Network, ...]

    def holds(self, facts: MessageFacts, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        try:
            address = ipaddress.ip_address(facts.client)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class ClientMatches:
    """The client's address, as text, matches (REMOTEIPADDR)."""

    pattern: Pattern

    def holds(self, facts: MessageFacts, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return _matches(self.pattern, facts.client)


@dataclass(frozen=True, slots=True)
class FromRelayClient:
    """The client may relay, or may not: a stranger."""

    may_relay: bool

    def holds(self, facts: MessageFacts, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return facts.is_relay_client == self.may_relay


@dataclass(frozen=True, slots=True)
class CryptoMatches:
    """A word for how the message is protected matches (CRYPTODETAILS)."""

    pattern: Pattern

    def holds(self, facts: MessageFacts, how: Quantifier) -> bool:
        """Whether the condition holds."""
        return how(_matches(self.pattern, word) for word in facts.crypto)


@dataclass(frozen=True, slots=True)
class WithoutCrypto:
    """Nothing in the message is signed or encrypted."""

    def holds(self, facts: MessageFacts, _how: Quantifier) -> bool:
        """Whether the condition holds."""
        return not facts.crypto


FileCondition = (
    Named
    | NameMatches
    | Extension
    | OddName
    | RealType
    | Size
    | Depth
    | HasTrait
    | Encrypted
    | InContainer
)
MessageCondition = (
    HeaderField
    | Sender
    | Recipient
    | ClientIn
    | ClientMatches
    | FromRelayClient
    | CryptoMatches
    | WithoutCrypto
)


def _matches(pattern: Pattern, value: str) -> bool:
    """Values are cut where they are made, all but addresses."""
    return any(pattern.fullmatch(end) is not None for end in bounded(value))
