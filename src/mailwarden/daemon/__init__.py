"""The daemon: a supervisor that forks workers, and the wiring, the only place that names adapters.

`supervisor` starts, watches, replaces, reloads and drains workers;
`worker` is one process with an event loop and a door;
`wiring` builds the path from settings; `journal` is the log; `systemd` the service manager's words.
"""
