"""Whether a document's link leads away from the machine that opens it."""

import re

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:")
_FILE_URL = re.compile(r"file:(/*)(.*)", re.DOTALL)
# `//./` and `//?/` before a path name devices of the machine itself.
_LOCAL_PATH = re.compile(r"/*(?:localhost/|[a-z][:|]|[.?]/)")
# `file://host/` names a host; so does a path of Windows' network, `//host/` as of here.
_HOST_SLASHES = 2
_URL_PATH_SLASHES = 3


def is_remote(target: str) -> bool:
    r"""Whether a link leads to another machine: a URL, or a path of Windows' network.

    `file:///C:/x`, `C:\x` and names without a folder stay here; of letters with a colon only
    those of more than one letter are a URL's scheme.
    """
    target = target.strip().replace("\\", "/").lower()
    if file_url := _FILE_URL.match(target):
        slashes, rest = file_url.groups()
        names_host = len(slashes) >= _HOST_SLASHES and len(slashes) != _URL_PATH_SLASHES
        return names_host and not _LOCAL_PATH.match(rest)
    if _SCHEME.match(target):
        return True
    return target.startswith("//") and not _LOCAL_PATH.match(target)
