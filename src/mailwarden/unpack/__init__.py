"""What is inside a payload: taken apart to the last member, under one budget for the message.

`walk` goes through archives and documents; `formats` has one opener a file, `openers` the table of
them; `file_types` says what octets really are; `budget` counts. No member is ever written under its
own name, and a member's name is a text for rules and people, never a path. There are no verdicts
here: `verdict.attachments` says what follows. All of it runs in a helper process (`sandbox`).
Start reading with `walk`, then `members`.
"""
