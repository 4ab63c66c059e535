"""One opener a file: octets in, members and traits out. `openers` says which format is whose."""
