"""Mail that we send: whom to tell is decided in `verdict.telling`, here it is written and sent.

`outbox` works errands off, in a process of its own; `rendering` writes the text of a notice.
"""
