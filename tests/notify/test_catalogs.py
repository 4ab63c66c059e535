"""Every catalog has every text of the program and the templates, and says it with its values.

Renew the list of texts with
`python tests/notify/test_catalogs.py > src/mailwarden/notify/locale/mailwarden.pot`.
"""

import re
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from mailwarden import notify
from mailwarden.notify.languages import DOMAIN, LOCALE_FOLDER, catalog_path

SOURCES = Path(notify.__file__).parent
POT = LOCALE_FOLDER / f"{DOMAIN}.pot"
METHODS = [("**.py", "python"), ("templates/**.*", "jinja2")]
OPTIONS = {"templates/**.*": {"trimmed": "true", "silent": "false"}}
VALUE = re.compile(r"%\((\w+)\)s")

LOCALES = sorted(path.parents[1].name for path in LOCALE_FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
# CLDR: how many forms a noun has after numbers.
FORMS = {"cs_CZ": 3, "lt_LT": 3, "pl_PL": 3, "sk_SK": 3, "ja_JP": 1, "tr_TR": 1, "zh_TW": 1}


@cache
def texts() -> Catalog:
    """All texts that the program and the templates say."""
    catalog = Catalog(header_comment="# Texts of Mailwarden's notices.", fuzzy=False)
    found = extract_from_dir(SOURCES, METHODS, OPTIONS)
    for _file, _line, message, _comments, _context in found:
        catalog.add(message)
    return catalog


def pot() -> str:
    """The list of texts for translators, without what changes every day."""
    written = BytesIO()
    write_po(written, texts(), width=76, sort_output=True)
    _header, _blank, messages = written.getvalue().decode("utf-8").partition("\n\n")
    head = '# Texts of Mailwarden\'s notices.\nmsgid ""\nmsgstr ""\n'
    return f'{head}"Content-Type: text/plain; charset=utf-8\\n"\n\n{messages.rstrip()}\n'


@cache
def catalog(locale: str) -> Catalog:
    with catalog_path(locale).open("rb") as file:
        return read_po(file, locale=locale, domain=DOMAIN, abort_invalid=True)


def ids(of: Catalog) -> set[str]:
    return {str(message.id) for message in of if message.id}


def values(text: str) -> list[str]:
    return sorted(VALUE.findall(text))


def said(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def test_the_list_of_texts_is_what_program_and_templates_say() -> None:
    assert POT.read_text(encoding="utf-8") == pot(), "stale: see this file's docstring"


def test_there_are_eighteen_catalogs() -> None:
    assert len(LOCALES) == 18


@pytest.mark.parametrize("locale", LOCALES)
def test_a_catalog_has_every_text_and_no_other(locale: str) -> None:
    assert ids(catalog(locale)) == ids(texts())
    assert not catalog(locale).obsolete


@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_is_empty_or_unsure(locale: str) -> None:
    for message in catalog(locale):
        assert all(said(message)), message.id
        assert not message.fuzzy or not message.id


@pytest.mark.parametrize("locale", LOCALES)
def test_a_translation_has_the_values_of_its_text_and_no_other(locale: str) -> None:
    for message in catalog(locale):
        if message.id:
            text = message.id if isinstance(message.id, str) else message.id[1]
            for translation in said(message):
                assert values(translation) == values(text), message.id
                assert "%" not in VALUE.sub("", translation), message.id


@pytest.mark.parametrize("locale", LOCALES)
def test_plurals_have_the_forms_of_the_language(locale: str) -> None:
    forms = FORMS.get(locale, 2)
    assert catalog(locale).num_plurals == forms
    plurals = [one for one in catalog(locale) if isinstance(one.id, tuple)]
    assert len(plurals) == 2
    assert all(len(said(message)) == forms for message in plurals)


@pytest.mark.parametrize("locale", LOCALES)
def test_longer_texts_are_translated_and_end_as_they_should(locale: str) -> None:
    endings = {".": (".", "。"), ":": (":", "\uff1a")}
    for message in catalog(locale):
        if isinstance(message.id, str) and len(message.id.split()) > 3:
            assert message.string != message.id
            if message.id.endswith((".", ":")):
                assert said(message)[0].endswith(endings[message.id[-1]]), message.id


if __name__ == "__main__":
    sys.stdout.write(pot())
