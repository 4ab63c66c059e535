"""`mailwarden demo`: the real daemon and the real client between a small SMTP door and a Maildir.

`command` starts and ends everything and prints the table; `door` is the SMTP server;
`maildir_queue` stands where qmail-queue would.
"""
