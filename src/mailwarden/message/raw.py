"""The raw bytes of a message: in memory when small, a mapped file when large.

Both kinds answer to `find`, slicing (a slice is `bytes`) and `len`, and regular expressions search
both; nothing else may be asked of them.
"""

import mmap

Raw = bytes | mmap.mmap
