"""Runs the command as `python -m turnkeeper_cli`."""

import sys

from turnkeeper_cli.app import main

if __name__ == "__main__":
    sys.exit(main())
