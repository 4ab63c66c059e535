"""Statistics from records and from logs, ours and the original's; `mailwarden report`.

Every source tells its messages as `event.Event`: `sources` reads log files line by line (each
`..._log` and `header_lines` knows one log), `stored_events` the database. `counting.count` makes
statistics of events, `document` adds where they came from, and `text`, `json_form`, `page` and
`letter` each make one form of that. Start reading with `event`, then `counting`.
"""
