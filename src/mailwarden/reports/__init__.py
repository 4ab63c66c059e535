"""Statistics from records and from logs, ours and the original's; `mailwarden report`.

Every source tells its messages as `event.Event`: `sources` reads log files line by line
(`queue_log`, `quarantine_log`, `detail_logs`, `daemon_log` and `header_lines` each know theirs),
`stored_events` the database. `counting.count` makes statistics of events, `document` adds where
they came from, and `text`, `json_form`, `page` and `letter` each make one form of that.
Start reading with `event`, then `counting`.
"""
