"""The commands of `mailwarden`, each in a file of its name and imported when it is called.

`config_import` is a part of `config`; `scanning` and `stored_mail` work for `scan`, `samples` for
`demo` and `selftest`, `expectations` for `selftest`, `loading`, `printing` and `installed` for all.
`main` is the group; what a command prints, a tired administrator reads.
"""
