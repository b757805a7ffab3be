"""``python -m equibid``."""

from equibid.cli.main import main

main()
