import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.pdf.pdf import open_pdf
from mailwarden.unpack.members import Trait, UnreadableError, UnsupportedError
from support.office import look, meter
from support.pdf import HEADER, encrypted, object_stream, pdf, stream

_FILE = stream(b"MZ", b"/Type /EmbeddedFile")


def test_an_ordinary_document_says_nothing() -> None:
    opened = look(
        open_pdf,
        pdf(
            b"<< /Type /Catalog /Pages 2 0 R /OpenAction [3 0 R /Fit] /AA << >> >>",
            stream(b"BT (About /JavaScript, /Launch and /EF) Tj ET"),
            b"<< /Title (How to /Launch /JS \\(and /EF\\)) /A << /S /URI /URI (http://a) >> >>",
        ),
    )
    assert (opened.traits, opened.members) == (frozenset(), ())


def test_an_embedded_file_comes_out_under_all_its_names() -> None:
    opened = look(
        open_pdf,
        pdf(
            b"<< /Type /Filespec /F (a.exe) /UF <FEFF00E40062> /EF << /F 2 0 R /UF 2 0 R >> >>",
            _FILE,
        ),
    )
    assert opened.traits == {Trait.EMBEDDED_FILE}
    assert [(member.names, member.octets) for member in opened.members] == [
        (("äb", "a.exe"), b"MZ")
    ]


def test_an_embedded_file_that_nothing_names_comes_out_too() -> None:
    opened = look(open_pdf, pdf(_FILE))
    assert opened.traits == {Trait.EMBEDDED_FILE}
    assert [(member.names, member.octets) for member in opened.members] == [((), b"MZ")]


def test_a_script_is_found_under_an_escaped_name() -> None:
    opened = look(open_pdf, pdf(b"<< /S /J#61vaScript /J#53 (app.alert\\(1\\)) >>"))
    assert opened.traits == {Trait.ACTIVE_CONTENT}
    assert opened.member("script.js").octets == b"app.alert(1)"


@pytest.mark.parametrize(
    "script", [stream(b"app.alert(1)"), b"(app.alert\\0501\\051)", b"3 0 R"], ids=str
)
def test_a_script_is_found_behind_a_reference(script: bytes) -> None:
    opened = look(open_pdf, pdf(b"<< /S /JavaScript /JS 2 0 R >>", script, b"(app.alert(1))"))
    assert opened.member("script.js").octets == b"app.alert(1)"


def test_a_script_that_is_used_twice_comes_out_once() -> None:
    action = b"<< /S /JavaScript /JS (a) >>"
    assert len(look(open_pdf, pdf(action, action)).members) == 1


def test_what_stands_in_object_streams_is_found() -> None:
    opened = look(
        open_pdf,
        pdf(
            object_stream(
                {
                    7: b"<< /F (a.exe) /EF << /F 2 0 R >> >>",
                    8: b"<< /S /Launch /F (cmd.exe) >>",
                    9: b"5",
                    10: b"<< /JS 11 0 R >>",
                    11: b"(a)",
                }
            ),
            _FILE,
        ),
    )
    assert opened.traits == {Trait.EMBEDDED_FILE, Trait.LAUNCH_ACTION, Trait.ACTIVE_CONTENT}
    assert {member.names[0]: member.octets for member in opened.members} == {
        "a.exe": b"MZ",
        "script.js": b"a",
    }


@pytest.mark.parametrize("action", [b"GoToR", b"GoToE", b"SubmitForm", b"ImportData"])
def test_actions_that_lead_elsewhere_are_told(action: bytes) -> None:
    opened = look(open_pdf, pdf(b"<< /S /" + action + b" /F (\\\\\\\\host\\\\share) >>"))
    assert opened.traits == {Trait.EXTERNAL_LINK}


def test_a_form_comes_out_whole_and_its_scripts_are_told() -> None:
    opened = look(
        open_pdf,
        pdf(
            b"<< /XFA [(preamble) 2 0 R (template) 3 0 R] >>",
            stream(b"<xdp>"),
            stream(b"<script>x</script></xdp>"),
        ),
    )
    assert opened.traits == {Trait.ACTIVE_CONTENT}
    assert opened.member("form.xml").octets == b"<xdp><script>x</script></xdp>"


@pytest.mark.parametrize(
    "hidden",
    [
        b"1 0 obj << /Title (1 0 obj << >> endobj) /JS (a) >>",
        b"1 0 obj << /Title (stream\n) /JS (a) >>",
        b"1 0 obj << % 1 0 obj\n /JS (a) >>",
        b"1 % a comment\n 0 obj << /JS (a) >>",
        b"1 %" + b"long" * 99 + b"\n 0 obj << /JS (a) >>",
        b"1 0 obj [ [ << /A << /JS (a) >>",
        b"1 0 obj << /Length 9999 >> stream\n 2 0 obj << /JS (a) >>",
        b"1 0 obj << >> endobj 1 0 obj << /JS (a) >> endobj 1 0 obj << >> endobj",
    ],
    ids=str,
)
def test_a_script_cannot_hide_behind_what_looks_like_an_object(hidden: bytes) -> None:
    assert Trait.ACTIVE_CONTENT in look(open_pdf, HEADER + hidden).traits


def test_a_file_with_an_unknown_filter_is_unopened() -> None:
    packed = stream(b"", b"/Type /EmbeddedFile /Filter /Secret", packed=b"abc")
    (member,) = look(open_pdf, pdf(packed)).members
    assert (member.octets, member.unopened) == (None, "a stream with a filter that is not known")


def test_an_object_stream_that_cannot_be_read_is_no_clean_document() -> None:
    packed = stream(b"", b"/Type /ObjStm /N 1 /First 4 /Filter /LZWDecode", packed=b"abc")
    with pytest.raises(UnsupportedError, match="object stream"):
        look(open_pdf, pdf(packed))


def test_a_document_that_needs_no_password_is_opened_as_readers_do() -> None:
    opened = look(open_pdf, encrypted(""))
    assert opened.traits == {Trait.EMBEDDED_FILE}
    assert opened.member("a.exe").octets == b"MZ"


def test_a_document_that_needs_a_password_is_encrypted() -> None:
    opened = look(open_pdf, encrypted("secret"))
    assert opened.traits == {Trait.ENCRYPTED}
    assert opened.members == ()


def test_an_encryption_that_nobody_knows_counts_as_encrypted() -> None:
    opened = look(
        open_pdf,
        pdf(
            b"<< /S /Launch /F (x) >>",
            b"<< /Filter /Own >>",
            trailer=b"<< /Root 1 0 R /Encrypt 2 0 R >>",
        ),
    )
    assert opened.traits == {Trait.ENCRYPTED, Trait.LAUNCH_ACTION}


@pytest.mark.parametrize(
    "octets", [b"", b"hello", b"%PDF-1.4 and nothing else", b"x" * 1_024 + HEADER]
)
def test_what_is_no_document_is_unreadable(octets: bytes) -> None:
    with pytest.raises(UnreadableError):
        look(open_pdf, octets)


def test_a_bomb_in_an_object_stream_is_over_the_limit() -> None:
    bomb = stream(b"\0" * 60_000_000, b"/Type /ObjStm /N 1 /First 4")
    with pytest.raises(OverLimitError):
        look(open_pdf, pdf(bomb))


@pytest.mark.parametrize(
    "piece",
    [
        b"1 0 obj<</Type/ObjStm/N 1/First 4/Length 99999999>>stream\n",
        b"1 0 obj<</EF 1 0 R/JS 1 0 R/XFA 1 0 R>>stream\n",
        b"1 0 obj(",
        b"1 0 obj<</S 1 0 R",
        b"trailer<<",
    ],
    ids=str,
)
def test_objects_that_lie_over_one_another_take_linear_time(piece: bytes) -> None:
    octets = HEADER + piece * (200_000 // len(piece))
    before = time.process_time()
    with contextlib.suppress(OverLimitError, UnreadableError, UnsupportedError):
        list(open_pdf(octets, meter()))
    assert time.process_time() - before < 5


_SYNTAX = st.sampled_from(
    [
        *(b"1 0 obj", b"2 0 obj", b" endobj ", b"<<", b">>", b"[", b"]", b"(", b")", b"\\", b"<"),
        *(b"/JS", b"/EF", b"/XFA", b"/S", b"/JavaScript", b"/Type", b"/ObjStm", b"/EmbeddedFile"),
        *(b" 1 0 R ", b" 1 ", b"/N 1 /First 4", b"stream\n", b"endstream ", b"/Filter/Fl", b"%"),
        *(b"/Encrypt", b"trailer", b"#4a", b"\n", b"/Length 3"),
    ]
)


@given(st.lists(_SYNTAX | st.binary(max_size=4), max_size=60))
def test_any_bytes_are_a_document_or_one_of_the_named_errors(pieces: list[bytes]) -> None:
    with contextlib.suppress(UnreadableError, UnsupportedError, OverLimitError):
        look(open_pdf, HEADER + b"".join(pieces))
