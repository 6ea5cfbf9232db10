"""The one error of the command line."""


class CliError(Exception):
    """What was asked cannot be done; the message is for the person at the terminal, and says what to do."""
