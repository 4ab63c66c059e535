"""An administrator's templates are tried before they are needed."""

import re
from pathlib import Path

import pytest

from mailwarden.notify.rendering import Summary
from mailwarden.notify.template_check import check_templates
from mailwarden.notify.wording import ShownMail


@pytest.mark.parametrize("language", ["en_GB", "enlt_LT_short"])
def test_no_templates_and_an_empty_folder_are_right(tmp_path: Path, language: str) -> None:
    assert check_templates("", language) == ()
    assert check_templates(str(tmp_path), language) == ()


@pytest.mark.parametrize(
    "name",
    ["sender.txt", "recipients.html", "admin.txt", "summary.html", "subject.txt", "page.html"],
)
def test_a_mistake_in_any_template_is_found_once(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{{ nobody }}", encoding="utf-8")
    (problem,) = check_templates(str(tmp_path), "en_PL")
    assert (problem.template, problem.error) == (name, "UndefinedError: 'nobody' is undefined")


DOCUMENTED = re.compile(r"^\| ((?:`[a-z_.]+`(?:, )?)+) \| ", re.MULTILINE)


def test_templates_may_use_every_value_that_is_documented(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs/how-to/notices.md"
    table = page.read_text(encoding="utf-8").partition("| value | is |")[2].partition("\n\n")[0]
    names = [name for row in DOCUMENTED.findall(table) for name in re.findall(r"[a-z_.]+", row)]
    always = [name for name in names if name.partition(".")[0] not in {"summary", "problem"}]
    assert {"audience", "admin", "mail.facts"} <= set(always)
    in_summaries = [*always, *(name for name in names if name.startswith("summary."))]
    for template, used in (("sender.txt", always), ("summary.html", in_summaries)):
        text = "".join(f"{{{{ {name} }}}}\n" for name in used)
        (tmp_path / template).write_text(text, encoding="utf-8")
    assert check_templates(str(tmp_path), "en_GB") == ()


def test_every_field_that_templates_see_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/notices.md"
    text = page.read_text(encoding="utf-8")
    fields = [f"mail.{one}" for one in ShownMail.__slots__]
    fields += [f"summary.{one}" for one in Summary.__slots__]
    assert [name for name in fields if f"`{name}`" not in text] == []
