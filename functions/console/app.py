"""Serves the operators' console: static files, and what the page needs to sign people in."""

import os

from turnkeeper.api.console import console

handler = console(os.environ)
