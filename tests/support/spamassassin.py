"""How the installed SpamAssassin reads a message's Received fields."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# No rules are loaded: only the reading of the header is asked for.
_SCRIPT = r"""
use strict; use warnings; use Mail::SpamAssassin; use Mail::SpamAssassin::PerMsgStatus;
my $sa = Mail::SpamAssassin->new({
  local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => '/dev/null',
  config_text => "trusted_networks 10.0.0.0/8\n",
});
for my $path (@ARGV) {
  local $/;
  open my $file, '<:raw', $path or die;
  my $message = $sa->parse(scalar <$file>, 1);
  $message->extract_message_metadata(Mail::SpamAssassin::PerMsgStatus->new($sa, $message));
  my $untrusted = $message->get_metadata('X-Spam-Relays-Untrusted') // '';
  my $trusted = $message->get_metadata('X-Spam-Relays-Trusted') // '';
  my $unparseable = $message->{metadata}{num_relays_unparseable} || 0;
  print "$trusted\t$untrusted\t$unparseable\0";
  $message->finish;
}
"""
_SECONDS = 60
_ENVELOPE_FROM = re.compile(r" envfrom=(\S*) ")


@dataclass(frozen=True, slots=True)
class Relays:
    """The relays as SpamAssassin writes them down, and how many lines it did not understand."""

    trusted: str
    untrusted: str
    unparseable: int

    @property
    def envelope_from(self) -> str:
        """The envelope sender that it took for the last relay."""
        match = _ENVELOPE_FROM.search(self.trusted + self.untrusted)
        return match[1] if match else ""

    def without_sender(self) -> tuple[str, str, int]:
        """All but the envelope sender."""
        trusted, untrusted = (
            _ENVELOPE_FROM.sub(" ", text) for text in (self.trusted, self.untrusted)
        )
        return trusted, untrusted, self.unparseable


def read_relays(folder: Path, messages: Sequence[bytes]) -> list[Relays]:
    """Let SpamAssassin read each message; `folder` is for files of the test's own."""
    paths = [folder / f"message-{number}" for number in range(len(messages))]
    for path, message in zip(paths, messages, strict=True):
        path.write_bytes(message)
    done = subprocess.run(
        ["perl", "-e", _SCRIPT, *map(str, paths)],
        capture_output=True,
        check=True,
        timeout=_SECONDS,
        encoding="latin-1",
    )
    read = [line.split("\t") for line in done.stdout.split("\0")[:-1]]
    return [Relays(trusted, untrusted, int(count)) for trusted, untrusted, count in read]
