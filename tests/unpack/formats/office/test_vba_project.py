"""Visual Basic projects in compound files."""

from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.compound_file import open_compound_file
from mailwarden.unpack.formats.office.vba_project import is_project, open_projects, project_traits
from mailwarden.unpack.members import Trait
from support.office import compound_file, found, meter, packed_vba, vba_project

AUTOMATIC = {"ThisDocument": b"Sub AutoOpen()\r\nEnd Sub\r\n"}


def test_the_sources_are_members() -> None:
    project = open_compound_file(compound_file(vba_project(AUTOMATIC, "Macros/")))
    opened = found(open_projects(project, meter()))
    assert opened.traits == {Trait.MACROS, Trait.AUTO_MACROS}
    source = opened.member("ThisDocument.bas").octets
    assert source == b'Attribute VB_Name = "x"\r\n' + AUTOMATIC["ThisDocument"]


def test_sources_are_found_without_a_list_of_modules() -> None:
    streams = vba_project(AUTOMATIC)
    streams["VBA/dir"] = b"broken"
    opened = found(open_projects(open_compound_file(compound_file(streams)), meter()))
    assert opened.names == ("ThisDocument.bas",)
    assert Trait.AUTO_MACROS in opened.traits


def test_a_module_whose_source_was_removed_says_so() -> None:
    streams = vba_project({"Module1": b""})
    streams["VBA/Module1"] = b"compiled only"
    opened = found(open_projects(open_compound_file(compound_file(streams)), meter()))
    assert opened.traits == {Trait.MACROS}
    assert opened.members[0].octets is None
    assert opened.members[0].unopened == "a module of a Visual Basic project without source"


def test_a_replaced_source_does_not_hide_what_runs_by_itself() -> None:
    streams = vba_project({"ThisDocument": b"Sub Harmless()\r\nEnd Sub\r\n"})
    streams["VBA/_VBA_PROJECT"] = b"\xcc\x61\x0d\0Document_Open\xff\xff"
    opened = found(open_projects(open_compound_file(compound_file(streams)), meter()))
    assert opened.traits == {Trait.MACROS, Trait.AUTO_MACROS}


def test_only_a_file_that_is_a_project_says_something_of_the_document_around_it() -> None:
    project = compound_file(vba_project(AUTOMATIC))
    document = compound_file(vba_project(AUTOMATIC, "Macros/"))
    assert is_project(open_compound_file(project))
    assert set(project_traits(project, meter())) == {Trait.MACROS, Trait.AUTO_MACROS}
    assert project_traits(document, meter()) == ()


@given(
    st.dictionaries(
        st.sampled_from(["VBA/dir", "VBA/_VBA_PROJECT", "VBA/ThisDocument", "VBA/__SRP_0"]),
        st.binary(max_size=60) | st.binary(max_size=60).map(packed_vba),
        min_size=1,
    )
)
def test_any_streams_of_a_project_are_macros(streams: dict[str, bytes]) -> None:
    project = open_compound_file(compound_file({**vba_project(AUTOMATIC), **streams}))
    opened = found(open_projects(project, meter()))
    assert Trait.MACROS in opened.traits
    assert all((member.octets is None) == bool(member.unopened) for member in opened.members)
