"""Templates: ours, an administrator's own before them, and what a template may do."""

from pathlib import Path

import pytest

from mailwarden.notify.languages import voices_of
from mailwarden.notify.template_folder import OWN_TEMPLATES, TemplateError, fill, wrapped

(ENGLISH,) = voices_of("en_GB")


def filled(folder: Path, text: str, name: str = "mine.txt", **values: object) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return fill(name, values, ENGLISH, str(folder))


def test_an_administrators_template_stands_before_ours(tmp_path: Path) -> None:
    (tmp_path / "subject.txt").write_text("mine", encoding="utf-8")
    assert fill("subject.txt", {}, ENGLISH, str(tmp_path)) == "mine"
    values = {"summary": None, "audience": "sender"}
    assert fill("subject.txt", values, ENGLISH) == "Your message was not delivered\n"


def test_own_templates_can_include_ours_and_a_changed_one_is_read_again(tmp_path: Path) -> None:
    text = '{% include "footer.txt" %}'
    shown = filled(tmp_path, text, admin_name="Ann", admin="ann@example.org", problem=None)
    assert shown.startswith("-- \nAnn\nann@example.org\n")
    assert filled(tmp_path, "changed") == "changed"


def test_a_template_that_an_administrator_adds_later_is_used(tmp_path: Path) -> None:
    values = {"summary": None, "audience": "sender"}
    ours = fill("subject.txt", values, ENGLISH, str(tmp_path))
    (tmp_path / "subject.txt").write_text("mine", encoding="utf-8")
    assert (ours, fill("subject.txt", values, ENGLISH, str(tmp_path))) == (
        "Your message was not delivered\n",
        "mine",
    )


def test_a_folder_that_is_not_there_leaves_ours() -> None:
    values = {"summary": None, "audience": "recipients"}
    assert (
        fill("subject.txt", values, ENGLISH, "/nonexistent") == "A message to you was held back\n"
    )


def test_html_escapes_every_value_and_text_none(tmp_path: Path) -> None:
    attack = "<script>\"'&"
    html = filled(tmp_path, "{{ x }} {{ _('%(y)s', y=x) }}", "a.html", x=attack)
    assert html == "&lt;script&gt;&#34;&#39;&amp; &lt;script&gt;&#34;&#39;&amp;"
    assert filled(tmp_path, "{{ x }}", "a.txt", x=attack) == attack


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ nobody }}", "mine.txt: UndefinedError: 'nobody' is undefined"),
        ("a\n{% if %}", "mine.txt: line 2: Expected an expression, got 'end of statement block'"),
        ("{{ ''.__class__.__mro__ }}", "mine.txt: SecurityError: access to attribute '__class__'"),
        ("{{ ''.format.__globals__ }}", "mine.txt: SecurityError"),
        ("{{ '{0.__class__}'.format(1) }}", "mine.txt: SecurityError"),
        ("{% for x in range(1000000) %}{% endfor %}", "mine.txt: OverflowError: Range too big"),
        ("{{ 1 / 0 }}", "mine.txt: ZeroDivisionError: division by zero"),
        ("{{ 'a' + 1 }}", "mine.txt: TypeError"),
        ("{{ ('a' * 1000000) * 100000000000 }}", "mine.txt: MemoryError"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "mine.txt: RecursionError"),
        ('{% include "/etc/hostname" %}', "mine.txt: TemplateNotFound"),
        ('{% include "../secret.txt" %}', "mine.txt: TemplateNotFound"),
        ("{{ _('%(x)s') }}", "mine.txt: KeyError: 'x'"),
        ("{{ 1|nofilter }}", "mine.txt: line 1: No filter named 'nofilter'."),
    ],
)
def test_what_a_template_does_wrong_is_said_in_a_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    (tmp_path.parent / "secret.txt").write_text("secret", encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        filled(tmp_path, text)
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


def test_a_template_that_is_not_utf_8_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes(b"gr\xfc\xdfe")
    with pytest.raises(TemplateError, match=r"mine\.txt: UnicodeDecodeError"):
        fill("mine.txt", {}, ENGLISH, str(tmp_path))


def test_the_mistake_in_an_included_template_names_that_one(tmp_path: Path) -> None:
    (tmp_path / "part.txt").write_text("{% if %}", encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        filled(tmp_path, '{% include "part.txt" %}')
    assert caught.value.template == "part.txt"


def test_paragraphs_are_wrapped_at_blanks_only() -> None:
    assert (
        wrapped("one two\n three " + "x" * 80 + " four") == "one two three\n" + "x" * 80 + "\nfour"
    )
    assert max(map(len, wrapped("ab " * 100).split("\n"))) <= 72
    assert wrapped("") == ""


def test_our_text_templates_have_html_beside_them() -> None:
    texts = {path.stem for path in OWN_TEMPLATES.glob("*.txt")} - {"subject"}
    htmls = {path.stem for path in OWN_TEMPLATES.glob("*.html")} - {"page"}
    assert texts == htmls
    assert {"sender", "recipients", "admin", "summary"} < texts
