"""What is inside the parts of a message, under limits that hold before anything is listed.

Archives are opened here and only here; no member is ever written anywhere, and a member's name is
a text for rules and people, never a path. No input or output, no verdicts: `verdict.attachments`
says what follows.
Start reading with `opening`; `zip_listing` is the one format so far.
"""
