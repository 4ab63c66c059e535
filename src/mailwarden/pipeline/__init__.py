"""The one path of a message, whichever door it came through.

    checks -> virus scanners -> spam scoring where it still matters -> decide -> perform

`examine` looks and decides and changes nothing (`mailwarden scan` stops there);
`perform` keeps, records and says what the door must do.
Start reading with `examine`, then `perform`; `writing` makes the edits.
"""
