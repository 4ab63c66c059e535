"""The commands: each file one command of `mailwarden`, imported when it is called.

`main` is the group; what a command prints, a tired administrator reads.
"""
