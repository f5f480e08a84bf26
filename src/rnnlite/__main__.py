"""`python -m rnnlite`: the command line."""

from rnnlite.cli.main import main

main()
