"""The doors for mail, one package each: they bring arrivals and answer in their own dialect.

A door knows no scanner, no database and no other door.
`queue` is the door for `mailwarden-queue`, qmail's QMAILQUEUE program.
"""
