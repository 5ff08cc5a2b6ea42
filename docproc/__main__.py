"""python -m docproc."""

from docproc.cli import main

main()
