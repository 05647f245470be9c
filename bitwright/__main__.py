"""`python -m bitwright` is the command line."""

from .cli import main

main()
