r"""Names as archives store them: bytes in an unknown code page that may lead anywhere.

A name here is a text for rules and people, never a path.
"""

import re

# `/etc/x`, `\\host\x`, `C:x`; or a step up between separators of either kind, also where Windows
# would strip the blanks: `a/../../x`, `..\x`, `.. /x`.
_LEADS_OUT = re.compile(r"[/\\]|[A-Za-z]:|(?:.*[/\\])?\.\. *(?:[/\\]|\Z)", re.DOTALL)


# Windows takes paths of 32,767 characters, everything else less. Rules look at a name's ending.
_MOST_BYTES = 32_768


def name_readings(stored: bytes, code_page: str) -> tuple[str, ...]:
    r"""Read a stored name in every way that a program would, the likeliest first.

    Names that are UTF-8 are read as that, and everything but ASCII in the old `code_page` too,
    which must know every byte. A name with a NUL is also one that ends there: `a.exe\0.txt`. Of a
    name that no system takes, only the end is read.
    """
    return tuple(
        dict.fromkeys(
            name
            for text in _texts(stored[-_MOST_BYTES:], code_page)
            for name in (text.partition("\0")[0], text)
        )
    )


def _texts(stored: bytes, code_page: str) -> tuple[str, ...]:
    try:
        as_utf_8 = stored.decode("utf-8")
    except UnicodeDecodeError:
        return (stored.decode(code_page),)
    return (as_utf_8,) if stored.isascii() else (as_utf_8, stored.decode(code_page))


def leads_out(name: str) -> bool:
    """Whether a name leads out of the folder that it would be unpacked in."""
    return _LEADS_OUT.match(name) is not None
