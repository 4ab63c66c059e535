"""The daemon: a supervisor that forks workers, and the wiring of the path.

`supervisor` starts, watches, replaces, reloads and drains workers;
`worker` is one process with an event loop and a door;
`wiring` builds the path from settings, the only place that names doors and scanners;
`listening` is the socket, `journal` the log, `systemd` the service manager's words.
"""
