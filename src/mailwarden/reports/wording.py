"""Numbers as people read them."""


def count_words(number: int) -> str:
    """A count, its thousands apart."""
    return f"{number:,}"


def share_words(part: int, whole: int) -> str:
    """Per cent, with one digit where that says more."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    return f"{percent:.1f} %" if 0 < percent < 10 or 99 < percent < 100 else f"{percent:.0f} %"


def size_words(size_bytes: int) -> str:
    """Bytes in the largest unit of 1000 that leaves a number above one."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def seconds_words(seconds: float) -> str:
    """Seconds with as many digits as matter."""
    if seconds < 1:
        return f"{seconds:.3f} s"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds:,.0f} s"
