"""What attachment rules may know of a message besides its files: fields, envelope, client.

Only the fields that some rule names are decoded. Values come from the sender, patterns from the
administrator: so that no pattern takes long, a value longer than `READ_CHARACTERS` is matched by
its two ends, each of that length.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mailwarden.message.encoded_words import decode_text, decode_words
from mailwarden.message.headers import Field, Header, value_of
from mailwarden.message.raw import Raw
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.file_names import bounded

# As many parts as a message may have, each with a Content-Type of its own.
VALUES_PER_FIELD = 2_000
# RFC 4021 section 2.1: fields of the message; these alone are looked for in every part as well.
_PART_FIELDS = "content-"


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """A message in the words of rules.

    `fields` has every reading (decoded, and as written) of every value of a field, by its name in
    lower case. `client` is the client's address as text. `crypto` says how the message or a part
    is protected (`smime`, `pgp`, `zip-encrypted`). With `exceeded`, a field had more values than
    are looked at.
    """

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sender: str = ""
    recipients: tuple[str, ...] = ()
    client: str = ""
    is_relay_client: bool = False
    crypto: tuple[str, ...] = ()
    exceeded: bool = False


def message_facts(
    arrival: Arrival, headers: Iterable[Header], names: frozenset[str]
) -> MessageFacts:
    """Gather what rules that name these fields (in lower case) need.

    `headers` are the message's own, then those of its parts, whose `Content-` fields count too.
    """
    fields: dict[str, dict[str, None]] = {name: {} for name in names}
    exceeded = False
    for name, found in _wanted(headers, names):
        if len(fields[name]) >= VALUES_PER_FIELD:
            exceeded = True
            continue
        fields[name].update(dict.fromkeys(_readings(arrival.raw, found)))
    return MessageFacts(
        fields={name: tuple(values) for name, values in fields.items()},
        sender=_text(arrival.envelope.sender),
        recipients=tuple(map(_text, arrival.envelope.recipients)),
        client=arrival.origin.address,
        is_relay_client=arrival.origin.is_relay_client,
        exceeded=exceeded,
    )


def _wanted(headers: Iterable[Header], names: frozenset[str]) -> Iterator[tuple[str, Field]]:
    if not names:
        return
    for position, header in enumerate(headers):
        for found in header.fields:
            name = found.name.decode("latin-1").lower()
            if name in names and (position == 0 or name.startswith(_PART_FIELDS)):
                yield name, found


def _readings(raw: Raw, found: Field) -> Iterator[str]:
    value = value_of(raw, found)
    for text in (decode_words(value), decode_text(value, "")):
        yield from bounded(text)


def _text(address: bytes) -> str:
    return decode_text(address, "")
