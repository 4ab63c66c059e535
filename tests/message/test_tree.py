from mailwarden.message.limits import ReadingLimits
from mailwarden.message.parts import read_message
from mailwarden.message.tree import payload
from support import samples

LIMITS = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=2_000, depth=1_000)


def test_parents_come_before_children_in_the_order_of_the_message() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c\n\ny\n--c--"
    reading = read_message(samples.multipart(inner, samples.text_part()), LIMITS)
    assert [part.path for part in reading.walk()] == ["", "1", "1.1", "1.2", "2"]


def test_no_depth_of_a_tree_needs_recursion() -> None:
    reading = read_message(b"Content-Type: message/rfc822\n\n" * 1_500, LIMITS)
    assert sum(1 for _ in reading.walk()) == LIMITS.depth


def test_a_part_says_the_likeliest_of_everything() -> None:
    raw = samples.attached(b"a.txt", b"hello", b"text/plain; charset=UTF-8")
    part = read_message(raw, LIMITS).root
    assert (part.media_type, part.charset, part.encoding) == ("text/plain", "utf-8", "base64")
    assert part.names == ("a.txt",)
    assert raw[part.body_start : part.body_end] == b"aGVsbG8="


def test_a_part_that_says_nothing_has_nothing_but_the_default_type() -> None:
    part = read_message(b"", LIMITS).root
    assert (part.media_type, part.charset, part.encoding, part.names) == ("text/plain", "", "", ())


def test_a_payload_is_decoded_once_however_many_ask() -> None:
    raw = samples.attached(b"a.txt", b"hello")
    reading = read_message(raw, LIMITS)
    first = reading.payload(raw, reading.root)
    assert first == payload(raw, reading.root)
    assert first.octets == b"hello"
    assert reading.payload(raw, reading.root) is first
