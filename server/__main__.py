"""`python -m server` is the command `uatwin`."""

from server.cli import main

main()
