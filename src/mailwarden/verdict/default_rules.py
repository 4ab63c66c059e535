"""The rules that hold where an administrator says nothing: what today's mail has no use for.

A rule is here when ordinary business mail does without it and attackers do not. What is left out
for that: scripts inside archives (developers send them), macros that do not start by themselves,
certificates, Access databases, `.html`, `.svg`, `.rdp`, add-ins of Excel other than `.xll`, scripts
and embedded files in a PDF (forms, electronic invoices).
"""

from collections.abc import Iterable

from mailwarden.unpack.members import Trait
from mailwarden.verdict.conditions import (
    MOST_DEPTH,
    Depth,
    Extension,
    FileCondition,
    FromRelayClient,
    HasTrait,
    InContainer,
    MessageCondition,
    OddName,
    RealType,
)
from mailwarden.verdict.file_names import NameForm
from mailwarden.verdict.rules import Action, Rule

# Files that Windows, macOS, Android or a mail program starts or installs when they are opened, or
# that lead to such a file. Sources: what Outlook and Gmail refuse.
STARTED_EXTENSIONS: tuple[str, ...] = (
    *("ade", "adp", "mde", "accde"),  # Access programs
    *("apk", "app", "appinstaller", "application", "appref-ms", "appx", "appxbundle"),
    *("bat", "cmd", "com", "exe", "pif", "scr"),  # programs by their old names
    *("chm", "hlp", "hta", "xbap"),  # pages with the rights of a program
    *("cpl", "gadget", "msc", "theme", "themepack"),
    *("diagcab", "diagcfg", "diagpkg"),  # troubleshooting packs
    *("dmg", "img", "iso", "vhd", "vhdx"),  # mounted with a click; their files lose the web's mark
    *("ins", "isp", "jar", "jnlp"),
    *("iqy", "oqy", "rqy", "xll"),  # Excel runs or fetches what they say
    *("jse", "vb", "vbe", "vbs", "wsc", "wsf", "wsh", "sct"),  # Windows Script Host
    *("library-ms", "search-ms", "searchconnector-ms", "settingcontent-ms"),
    *("lnk", "scf", "shb", "shs", "xnk"),  # shortcuts
    *("msi", "msix", "msixbundle", "msp", "mst", "msu"),
    *("msh", "msh1", "msh2", "mshxml", "ps1", "ps1xml", "ps2", "ps2xml", "psc1", "psc2"),
    *("printerexport", "reg", "udl", "webpnp"),
)

_SCRIPTS = frozenset({"js", "mjs"})
_STARTED = frozenset(STARTED_EXTENSIONS) | _SCRIPTS


def extension_rules(extensions: Iterable[str]) -> tuple[Rule, ...]:
    """Make a rule for each extension (in lower case, without the dot) that no file may have."""
    return tuple(
        Rule(
            Action.DENY,
            f"extension-{extension}",
            f"A file name ends in .{extension}, which is not allowed.",
            (Extension(frozenset({extension})),),
        )
        for extension in extensions
    )


def odd_name(*forms: NameForm) -> OddName:
    """Say that a name has one of these forms."""
    return OddName(frozenset(forms), _STARTED)


def _deny(
    name: str,
    description: str,
    *of_file: FileCondition,
    of_message: tuple[MessageCondition, ...] = (),
) -> Rule:
    return Rule(Action.DENY, name, description, of_file, of_message)


# In tar and cpio, links that stay inside are part of source code, and their unpackers are wary.
_WITHOUT_LINKS = frozenset({"zip", "7z", "rar", "cab", "iso", "lha", "arj", "ar", "xar"})
_FROM_STRANGERS = (FromRelayClient(may_relay=False),)

DEFAULT_RULES: tuple[Rule, ...] = (
    _deny(
        "program",  # renaming a program is the oldest trick
        "A file is a program, whatever its name says.",
        RealType(frozenset({"pe", "dos", "elf", "macho", "msi"})),
    ),
    _deny(
        "program-file",  # not programs themselves, but they run what they hold or point to
        "A file starts programs when it is opened, whatever its name says.",
        RealType(frozenset({"lnk", "chm", "hlp", "java-class", "jar", "apk", "swf"})),
    ),
    _deny(
        "script-attachment",  # inside archives they are part of web pages and source code
        "A script is attached that Windows runs when it is opened.",
        Extension(_SCRIPTS),
        Depth(1, 1),
    ),
    _deny(
        "web-shortcut",  # people attach links to pages; nobody packs them, but for those who trick
        "An archive holds a shortcut to somewhere in the web.",
        Extension(frozenset({"url", "website"})),
        Depth(2, MOST_DEPTH),
    ),
    _deny(
        "double-extension",
        "A file name hides its real ending behind another one.",
        odd_name(NameForm.DOUBLE_EXTENSION),
    ),
    _deny(
        "class-id",
        "A file name ends in a class id, which Windows does not show.",
        odd_name(NameForm.CLASS_ID),
    ),
    _deny(
        "name-too-long",
        "A file name is longer than any file system allows.",
        odd_name(NameForm.TOO_LONG),
    ),
    _deny(
        "path-traversal",
        "An archive would write outside the folder that it is unpacked in.",
        HasTrait(frozenset({Trait.PATH_TRAVERSAL})),
    ),
    _deny(
        "device",
        "An archive holds a device in place of a file.",
        HasTrait(frozenset({Trait.DEVICE})),
    ),
    _deny(
        "link",  # it lets the next member be written somewhere else
        "An archive holds a link in place of a file.",
        HasTrait(frozenset({Trait.LINK})),
        InContainer(_WITHOUT_LINKS),
    ),
    _deny(
        "auto-macros",  # Office itself refuses these when they come from the web
        "A document from outside runs macros when it is opened.",
        HasTrait(frozenset({Trait.AUTO_MACROS, Trait.XLM_MACROS})),
        of_message=_FROM_STRANGERS,
    ),
    _deny(
        "remote-template",
        "A document from outside loads a template, and its macros, from somewhere else.",
        HasTrait(frozenset({Trait.REMOTE_TEMPLATE})),
        of_message=_FROM_STRANGERS,
    ),
    _deny(
        "dde",
        "A document from outside starts programs by dynamic data exchange.",
        HasTrait(frozenset({Trait.DDE})),
        of_message=_FROM_STRANGERS,
    ),
    _deny(
        "launch-action",
        "A PDF starts a program.",
        HasTrait(frozenset({Trait.LAUNCH_ACTION})),
    ),
)
