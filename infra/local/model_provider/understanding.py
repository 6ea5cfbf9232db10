"""Reads what people write about appointments: which service, where, yes or no."""

import re

from infra.local.model_provider.when import DAYS, MONTH

_SERVICES = {
    "hair_stylist": r"hair|salon|stylist|barber|haircut|hairdresser",
    "dentist": r"dentist|dental|teeth|tooth",
    "doctor": r"doctor|physician|dermatolog|gyn(?:a)?ecolog|ophthalmolog|\bent\b|general practitioner|\bgp\b",
}
_SPECIALITIES = {
    "General Practitioner": r"general practitioner|\bgp\b|family doctor",
    "Dermatologist": r"dermatolog|\bskin\b",
    "Gynecologist": r"gyn(?:a)?ecolog",
    "ENT Specialist": r"\bent\b|ear,? nose",
    "Ophthalmologist": r"ophthalmolog|eye (?:doctor|specialist)",
}
_NO_PLACE = (
    r"(?:the|a|an|my|your|that|this|need|general|person|advance|about|case|half|me|here|there|town|it|which|what|"
    rf"noon|today|tomorrow|morning|afternoon|evening|\d|{'|'.join(DAYS)}|(?:{MONTH})\b)"
)
_AFTER_PLACE = rf"(?:i|on|at|for|tomorrow|today|please|next|with|who|that|and|by|around|thanks|{'|'.join(DAYS)})"
_PLACE = re.compile(
    rf"\b(?:in|near|around|within)\s+(?!{_NO_PLACE}\b)([a-z][\w'-]*(?:\s+(?!{_AFTER_PLACE}\b)[a-z][\w'-]*){{0,2}})",
    re.IGNORECASE,
)

_ALONE = r"[a-z][a-z'-]*(?:\s+[a-z][a-z'-]*){0,2}"
_YES = (
    r"\b(?:yes|yeah|yep|yup|sure|ok|okay|please do|go ahead|correct|sounds? (?:good|great|fine)|perfect|fine|confirm"
    r"|book (?:it|that|them|me)|that works|works for me|i agree)\b"
)
_ABOUT = r"address|where (?:is|are)|located|location|phone|number|rating|rated|(?:do|does|is|are) (?:they|it|he|she)\b"


def service(text: str) -> str | None:
    """Return the type of service that a text asks for."""
    return _first(_SERVICES, text)


def speciality(text: str) -> str | None:
    """Return the kind of doctor that a text asks for."""
    return _first(_SPECIALITIES, text)


def city(text: str, *, asked: bool) -> str | None:
    """Return the city in a text; one that was `asked` for may stand alone."""
    found = _PLACE.search(text)
    if found:
        return found[1].strip().title()
    alone = re.sub(r"^(?:in|near|maybe)\s+|\bplease\b|[^\w\s'-]", "", text.strip(), flags=re.IGNORECASE).strip()
    other = agrees(text) or refuses(text) or leaves(text) or service(text) or _has(rf"^{_NO_PLACE}\b", alone)
    stands_alone = asked and not other and re.fullmatch(_ALONE, alone, re.IGNORECASE)
    return alone.title() if stands_alone else None


def agrees(text: str) -> bool:
    """Say whether a text is a yes."""
    return not refuses(text) and _has(_YES, text)


def refuses(text: str) -> bool:
    """Say whether a text is a no."""
    return _has(r"^\s*(?:no|nope|nah|not)\b|\bdon'?t\b", text)


def wants_other(text: str) -> bool:
    """Say whether a text asks for another provider."""
    return _has(r"\b(?:another|others?|different|(?<!thing )else)\b", text)


def leaves(text: str) -> bool:
    """Say whether a text says thanks or goodbye."""
    return _has(r"\b(?:thanks|thank you|bye|goodbye|that'?s all|that is all|nothing else)\b", text)


def greets(text: str) -> bool:
    """Say whether a text is a greeting."""
    return _has(r"^\s*(?:hi|hello|hey|good (?:morning|afternoon|evening))\b", text)


def asks_about(text: str) -> bool:
    """Say whether a text asks about a provider."""
    return _has(_ABOUT, text)


def _has(pattern: str, text: str) -> bool:
    return bool(re.search(pattern, text, re.IGNORECASE))


def _first(patterns: dict[str, str], text: str) -> str | None:
    return next((name for name, pattern in patterns.items() if re.search(pattern, text, re.IGNORECASE)), None)
