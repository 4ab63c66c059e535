"""Scanners: one adapter a file, each of them a `ports.scanner.Scanner`.

An adapter joins a codec of `wire`, the connections of `net` and one section of the settings; it
turns what a peer says into findings and faults, and whatever goes wrong into a fault.
What follows from a finding is decided in `verdict`; when a scanner is asked, in `pipeline`.
No adapter imports another; `daemon` alone names them all.
Start reading with `clamd`.
"""
