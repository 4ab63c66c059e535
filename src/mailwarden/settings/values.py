"""The types of single settings, each with what people call its values.

Which settings there are is in `model`; what two of them may not say together in `contradictions`.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeVar
from unicodedata import category

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from mailwarden.message.anomalies import ANOMALIES
from mailwarden.settings.addresses import AUTO, parse_address

# More than any score that SpamAssassin gives, GTUBE's 1000 included.
_MOST_POINTS = 10_000
_DAY_SECONDS = 86_400
# RFC 1035 section 2.3.4, without the root's dot.
DOMAIN_CHARACTERS = 253
_RECIPIENT_PATTERN = re.compile(
    r"[^\s@\x00-\x1f\x7f-\x9f]{1,255}@[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}"
    r"|\.?[A-Za-z0-9_-][A-Za-z0-9._-]{0,251}"
)
# A terabyte: more than any mail, and a number that people can still read.
MOST_BYTES = 2**40


@dataclass(frozen=True, slots=True)
class Words:
    """What people call the values of a type: `phrase` completes "expected ..."."""

    phrase: str
    unit: str = ""


def _decimal(value: object) -> object:
    """Let TOML's whole numbers be points; `bool` is an `int` to Python, not to people."""
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _float(value: object) -> object:
    """Let TOML's fractions, read as `Decimal`, be seconds."""
    return float(value) if isinstance(value, Decimal) else value


def _path(value: object) -> object:
    return Path(_one_line(value)) if isinstance(value, str) else value


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _address(text: str) -> str:
    parse_address(text)
    return text


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("expected an absolute path")
    return path


def absolute_path(value: object) -> Path:
    """Read an absolute path from what TOML gave; raises `ValueError`."""
    path = _path(value)
    if not isinstance(path, Path):
        raise ValueError("expected an absolute path")  # noqa: TRY004 - pydantic wants this one
    return _absolute(path)


def _socket_path(path: Path) -> Path:
    parse_address(f"unix:{path}")
    return path


def _spamd_address(text: str) -> str:
    return text if text == AUTO else _address(text)


def _optional_path(value: object) -> object:
    return None if value == "" else absolute_path(value)


def recipient_pattern(text: str) -> str:
    """Read whom a profile is for, in lower case; raises `ValueError`."""
    if not _RECIPIENT_PATTERN.fullmatch(text):
        raise ValueError("expected user@example.org, example.org or .example.org")
    return text.lower()


def _anomaly_code(text: str) -> str:
    if text not in ANOMALIES:
        near = get_close_matches(text, ANOMALIES, 1)
        meant = f', did you mean "{near[0]}"?' if near else ""
        raise ValueError(f"expected an anomaly's code{meant}")
    return text


def _one_line(text: str) -> str:
    if any(category(character) == "Cc" for character in text):
        raise ValueError("expected one line without control characters")
    return text


Item = TypeVar("Item")
ListOf = Annotated[tuple[Item, ...], BeforeValidator(_tuple)]

AddressText = Annotated[
    str,
    AfterValidator(_address),
    Words("an address: unix:/path, tcp:host:port or tcp:[ipv6]:port"),
]
AbsolutePath = Annotated[
    Path, BeforeValidator(_path), AfterValidator(_absolute), Words("an absolute path")
]
SocketPath = Annotated[AbsolutePath, AfterValidator(_socket_path)]
Line = Annotated[str, AfterValidator(_one_line), Words("one line of text")]
Points = Annotated[
    Decimal,
    Field(ge=0, le=_MOST_POINTS),
    BeforeValidator(_decimal),
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST_POINTS}),
    Words("a number", unit="points"),
]
Seconds = Annotated[
    float, Field(gt=0, le=_DAY_SECONDS), BeforeValidator(_float), Words("a number", unit="seconds")
]
Bytes = Annotated[int, Field(ge=1, le=MOST_BYTES), Words("a whole number", unit="bytes")]
Count = Annotated[int, Field(ge=1, le=1_000_000), Words("a whole number")]
ProcessCount = Annotated[int, Field(ge=1, le=256), Words("a whole number")]
# Each level is some frames of the interpreter's stack.
OpenedDepth = Annotated[int, Field(ge=1, le=50), Words("a whole number")]
WorkerCount = Annotated[int, Field(ge=0, le=256), Words("a whole number")]
ExitText = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[ -~]+$"),
    Words("one line of ASCII text"),
]
FieldPrefix = Annotated[
    str, Field(pattern=r"^X-[A-Za-z0-9-]{1,60}$"), Words("a field name's beginning, as X-Example")
]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,255}$"), Words("a host name")]
Extension = Annotated[
    str, Field(pattern=r"^[a-z0-9_-]{1,24}$"), Words("an extension in lower case, without the dot")
]

LevelWord = Annotated[Line, Field(min_length=1, max_length=20), Words("a short text")]
FolderName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]{1,40}$"),
    Words("a folder's name of letters, digits, _ and -"),
]
Fragment = Annotated[
    Line, Field(min_length=1, max_length=100), AfterValidator(str.lower), Words("a piece of a name")
]
# `None` for a path that is not set; TOML has no word for it, so an empty text says it, too.
OptionalPath = Annotated[
    Path | None,
    BeforeValidator(_optional_path),
    PlainSerializer(lambda path: str(path or ""), return_type=str),
    WithJsonSchema({"type": "string"}),
    Words("an absolute path, or an empty text"),
]
Domain = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._-]{1,253}$"),
    AfterValidator(str.lower),
    Words("a domain, as example.org"),
]
OptionalDomain = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._-]{0,253}$"),
    AfterValidator(str.lower),
    Words("a domain, as example.org, or an empty text"),
]
# What is told to sendmail as an argument and written into From: nothing that either could misread.
MailAddress = Annotated[
    str,
    Field(
        pattern=r"^$|^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,63}"
        r"@[A-Za-z0-9._-]{1,253}$"
    ),
    Words("a mail address, as postmaster@example.org, or an empty text"),
]
RecipientPattern = Annotated[
    str,
    AfterValidator(recipient_pattern),
    Words("user@example.org, example.org or .example.org"),
]
SpamdAddressText = Annotated[
    str,
    AfterValidator(_spamd_address),
    Words("auto, or an address: unix:/path, tcp:host:port or tcp:[ipv6]:port"),
]
AnomalyCode = Annotated[str, AfterValidator(_anomaly_code), Words("an anomaly's code")]


class Section(BaseModel):
    """A table of the settings file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
