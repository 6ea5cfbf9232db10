"""The error of a wrong definition."""


class AgentError(TypeError):
    """A definition of an agent is wrong; the message says what to write instead."""
