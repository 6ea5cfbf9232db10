"""Decides what to answer: from annotated conversations where one matches, by rules for bookings, else by schema."""

from infra.local.model_provider import booking, generic
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.chat import Asked, Reply


class Brain:
    """A model that answers only from what it is asked, and from annotations of conversations."""

    def __init__(self, annotations: Annotations) -> None:
        self._annotations = annotations

    def reply(self, asked: Asked) -> Reply:
        """Return what a sensible model would."""
        if asked.tools.keys() >= booking.TOOLS:
            return self._annotations.reply(asked) or booking.reply(asked)
        return generic.reply(asked)
