"""Mail that we send: whom to tell is decided in `verdict.telling`, here it is written and sent.

`outbox` works errands off, in a process of its own (`daemon.outbox_process`): `joining` says which
notices become one mail, `rendering` writes it from `templates/` and the catalogs in `locale/`,
`letter` makes a mail of that, and `sending` gives it to the queue. Start reading with `outbox`.
"""
