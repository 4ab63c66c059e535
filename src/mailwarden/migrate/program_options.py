"""The variables of an installed program as options, and what of them is nobody's setting."""

import re
from collections.abc import Iterator

from mailwarden.migrate.configure_line import shown
from mailwarden.migrate.decisions import Loss, Note, Outcome
from mailwarden.migrate.given import Given, Origin, folded
from mailwarden.migrate.option_tables import option_named
from mailwarden.migrate.perl_program import Variable, read_variables

# What every such program has for itself: where tools are, versions, its own state.
_INTERNAL = re.compile(
    r"(?:.*-)?(?:binary|options?|prog|program|version|path|db|pid|regexp?|header|text|id)"
    r"|(?:prog|version|path|env|isa|export|tag|result|msg|status|event).*"
)
_SHOWN_NAMES = 60


def program_givens(text: str, source: str) -> Iterator[Given | Outcome]:
    """Every option that a variable of the first part sets, and what is to be told of the others."""
    own: list[str] = []
    before: dict[str, Given] = {}
    for variable in read_variables(text):
        option = option_named(variable.name, variable.sigil)
        if not option:
            yield from _unknown(variable, source, own)
            continue
        given = _given(variable, option, source)
        if isinstance(given, Given):
            yield from _again(given, before)
        else:
            yield given
    if own:
        yield Note(source, f"variables of its own, with no setting here: {_list(own)}")


def _given(variable: Variable, option: str, source: str) -> Given | Outcome:
    place = f"{variable.sigil}{variable.name} in {source}:{variable.line}"
    if variable.value is None:
        return Loss(place, "what it holds is computed there: set it by hand")
    text = variable.value if isinstance(variable.value, str) else ",".join(variable.value)
    return Given(option, text, f"{place}, {shown(text)}", Origin.PROGRAM)


def _again(given: Given, before: dict[str, Given]) -> Iterator[Given | Outcome]:
    """The last of several assignments holds, but an empty one is only a beginning."""
    earlier = before.get(given.option)
    if earlier and not given.text:
        return
    if earlier and earlier.text and earlier.text != given.text:
        yield Note(given.source, f"holds, though the same was said before: {earlier.source}")
    before[given.option] = given
    yield given


def _unknown(variable: Variable, source: str, own: list[str]) -> Iterator[Outcome]:
    """What is computed, empty or plainly the program's own is named; the rest is a loss."""
    name = f"{variable.sigil}{variable.name}"
    if variable.value in (None, "", (), "0") or _INTERNAL.fullmatch(folded(variable.name)):
        own.append(name)
        return
    assert variable.value is not None  # noqa: S101 - tested above, which mypy cannot see
    text = variable.value if isinstance(variable.value, str) else ",".join(variable.value)
    yield Loss(f"{name} in {source}:{variable.line}, {shown(text)}", "a variable that is not known")


def _list(names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - _SHOWN_NAMES} more" if len(different) > _SHOWN_NAMES else ""
    return " ".join(different[:_SHOWN_NAMES]) + more
