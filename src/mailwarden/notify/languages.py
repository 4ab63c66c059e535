"""The languages of notices: texts from the catalogs in `locale/`, dates and numbers from CLDR.

A language of the settings is one voice or two: `en_PL` says everything in English, then in Polish.
Catalogs are read as they are translated (`.po`); nothing compiled is kept. Notices are always
UTF-8: where Qmail-Scanner's `ja_JP.EUC` and `tw_BIG5` named an encoding, only the language is left.
Source: facts 4.8.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations
from babel.units import format_unit

LOCALE_FOLDER = Path(__file__).parent / "locale"
DOMAIN = "mailwarden"
# The texts in the program and the templates are this language, and need no catalog.
_ENGLISH = "en_GB"
_ASCII = str.maketrans("âçğıîöşûüÂÇĞİÎÖŞÛÜ\xa0\u202f", "acgiiosuuACGIIOSUU  ")


@dataclass(frozen=True, slots=True)
class Tongue:
    """A locale, as CLDR and the folders of catalogs name it, and how it is written.

    `is_ascii`: without the letters that old terminals lacked; `is_short`: the essential only.
    """

    locale: str
    is_ascii: bool = False
    is_short: bool = False


_SHORT_ENGLISH = Tongue(_ENGLISH, is_short=True)

# Each language of the settings whose tongues have other names.
_TONGUES: dict[str, tuple[Tongue, ...]] = {
    "en_PL": (Tongue(_ENGLISH), Tongue("pl_PL")),
    "enlt_LT": (Tongue(_ENGLISH), Tongue("lt_LT")),
    "enlt_LT_short": (_SHORT_ENGLISH, Tongue("lt_LT", is_short=True)),
    "ja_JP.EUC": (Tongue("ja_JP"),),
    "no_NO": (Tongue("nb_NO"),),
    "tr_TR_ascii": (Tongue("tr_TR", is_ascii=True),),
    "tw_BIG5": (Tongue("zh_TW"),),
}


@dataclass(frozen=True, slots=True)
class Voice:
    """Says texts, numbers and times in one tongue."""

    tongue: Tongue
    locale: Locale
    translations: NullTranslations

    @property
    def tag(self) -> str:
        """The language as HTML names it, `pt-BR`."""
        return self.tongue.locale.replace("_", "-")

    def gettext(self, text: str) -> str:
        """The text in this language."""
        return self._written(self.translations.gettext(text))

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The text in this language, in the form for that number."""
        return self._written(self.translations.ngettext(singular, plural, number))

    def number(self, number: float) -> str:
        """A number as people write it, with at most three decimals."""
        return self._written(format_decimal(number, locale=self.locale))

    def size(self, size_bytes: int) -> str:
        """How large something is, in kB: `12.3 kB`."""
        kilobytes = size_bytes / 1000
        text = format_unit(
            kilobytes, "digital-kilobyte", length="short", format="#,##0.#", locale=self.locale
        )
        return self._written(text)

    def moment(self, at: float) -> str:
        """A time, in seconds since the epoch, on this machine's clock, with its offset from UTC."""
        local = datetime.fromtimestamp(at, UTC).astimezone()
        return self._written(f"{format_datetime(local, locale=self.locale)} {local:%z}")

    def _written(self, text: str) -> str:
        return text.translate(_ASCII) if self.tongue.is_ascii else text


@lru_cache(maxsize=64)
def voices_of(language: str) -> tuple[Voice, ...]:
    """The voices of a language of the settings; of one that is unknown here, English."""
    tongues = _TONGUES.get(language, (Tongue(language),))
    if not all(_has_texts(tongue) for tongue in tongues):
        tongues = (Tongue(_ENGLISH),)
    return tuple(map(_voice, tongues))


def catalog_path(locale: str) -> Path:
    """Where the translations into that language are."""
    return LOCALE_FOLDER / locale / "LC_MESSAGES" / f"{DOMAIN}.po"


def _has_texts(tongue: Tongue) -> bool:
    return tongue.locale == _ENGLISH or catalog_path(tongue.locale).is_file()


def _voice(tongue: Tongue) -> Voice:
    return Voice(tongue, Locale.parse(tongue.locale), _translations(tongue.locale))


def _translations(locale: str) -> NullTranslations:
    if locale == _ENGLISH:
        return NullTranslations()
    compiled = BytesIO()
    with catalog_path(locale).open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale, domain=DOMAIN))
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)
