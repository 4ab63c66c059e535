"""Everything that is fuzzed: one row for each thing that reads what others wrote."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import file_invariants
import message_invariants
import seeds
import unpack_invariants
import wire_invariants
from mailwarden.unpack.openers import FORMATS

# Of this process, on a slow machine and with every branch counted. A way that is not linear needs
# far more for inputs as long as the fuzzer makes them.
_FREE_SECONDS = 2.0
_SECONDS_AN_OCTET = 50e-6


class TooSlowError(AssertionError):
    """An input took more time than any of its length may."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads octets from outside.

    `check` raises `AssertionError`, or what nobody expects, for octets for which the invariant does
    not hold, which is its docstring. `seeds` makes samples to begin with. With `starts_programs` an
    opener may start foreign programs, which makes it a hundred times slower; without, they are
    missing.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], tuple[bytes, ...]]
    starts_programs: bool = False

    @property
    def invariant(self) -> str:
        """What holds for any octets, in one sentence."""
        return self.check.__doc__ or ""

    def hold(self, octets: bytes) -> None:
        """Check the invariant, and that this takes linear time."""
        started = time.process_time()
        self.check(octets)
        seconds = time.process_time() - started
        if seconds > _FREE_SECONDS + _SECONDS_AN_OCTET * len(octets):
            raise TooSlowError(f"{seconds:.1f} s for {len(octets)} octets")


TARGETS = (
    Target("message/reader", message_invariants.reader, seeds.messages),
    Target("message/header", message_invariants.header, seeds.messages),
    Target("message/content", message_invariants.content, seeds.content_values),
    Target("message/encoded-words", message_invariants.encoded_words, seeds.encoded_words),
    Target("message/transfer", message_invariants.transfer, seeds.bodies),
    Target("message/edits", message_invariants.edits, seeds.edits),
    Target("unpack/file-types", unpack_invariants.file_types, seeds.every_format),
    Target("unpack/walk", unpack_invariants.walk, seeds.every_format),
    Target("unpack/lsar-list", wire_invariants.lists_of_lsar, seeds.lists_of_lsar),
    *(
        Target(
            f"open/{name}",
            unpack_invariants.opens(format_.opener),
            # A new format is fuzzed from all others, until a test asks for its own sample.
            seeds.OF_FORMATS.get(name, seeds.every_format),
            # What else falls back to these programs would do nothing else but wait for them.
            starts_programs=name == "arj",
        )
        for name, format_ in FORMATS.items()
    ),
    Target("settings/rule-file", wire_invariants.rule_files, seeds.rule_files),
    Target("settings/per-domain", file_invariants.per_domain_files, seeds.per_domain_files),
    Target("migrate/import", file_invariants.imports, seeds.old_installations),
    Target("reports/logs", file_invariants.logs, seeds.logs),
    Target("sandbox/outcome", wire_invariants.outcomes, seeds.outcomes),
    Target("wire/envelope", wire_invariants.envelopes, seeds.envelopes),
    Target("wire/gate", wire_invariants.gate_packets, seeds.gate_packets),
    Target("wire/clamd", wire_invariants.clamd_session, seeds.clamd_replies),
    Target("wire/spamd", wire_invariants.spamd_answers, seeds.spamd_answers),
    Target("wire/spamd-bodies", wire_invariants.spamd_bodies, seeds.spamd_bodies),
)
