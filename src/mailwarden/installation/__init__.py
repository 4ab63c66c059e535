"""What a machine needs so that Mailwarden can run, and making it so; `mailwarden setup` calls it.

`layout` is the table of what is to exist (the same as in SECURITY.md), made of the values in
`pieces`; `inspection` compares a piece with the machine, `making` makes it so.
`surroundings` finds what is there already (qmail, clamd, spamd), `first_settings` writes the
settings file that follows from it, `tcp_rules` shows how tcpserver's rules name our program.
Nothing here starts a service, and nothing overwrites what an administrator wrote.
"""
