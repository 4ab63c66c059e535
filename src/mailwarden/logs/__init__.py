"""Logs in Qmail-Scanner's formats, for the parsers that follow them; facts 4.4 to 4.6.

`qmail_scanner` is what the daemon talks to: it asks the formats that the settings name
(`quarantine_log`, `details`, `queue_log`) for lines, and `line_writer` brings them, off the
message path, to files (`log_file`) and to syslog (`syslog`).
Foreign values become part of a line through `line_values` only.
The daemon's own log, on standard error, is in `daemon.journal`; reading logs is in `reports`.
"""
