"""`python -m mailwarden` is the `mailwarden` command."""

from mailwarden.cli.main import main

main()
