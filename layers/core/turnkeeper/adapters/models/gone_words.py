"""Reads in a provider's sentence that a model is gone: that the model itself, and nothing about it, is no more.

A sentence must be of one of few forms, because what else may be missing or deprecated (parameters, tiers, adapters,
cached content) cannot be listed. What it quotes was taken out before, but for the name of the model.
"""

import re
from functools import lru_cache

from turnkeeper.domain.redaction import GAP

_RETIRED = r"""(?:
    (?:has|have)\s(?:now\s|already\s)?been\s
      (?:deprecated|retired|removed|shut\s?down|discontinued|sunset|turned\soff|withdrawn|disabled|decommissioned)
    | (?:is|was|are|were)\s(?:now\s)?
      (?:deprecated|retired|discontinued|shut\s?down|sunset|decommissioned|removed|withdrawn)
    | (?:has\s)?reached\s(?:its|the)\send[ -]of[ -](?:its[ -])?life
    | is\sno\slonger\s(?:available|supported|offered|served|accessible|hosted|active) | no\slonger\sexists
)\b"""
_MISSING = r"""(?:
    (?:does\s?n.t|does\snot|not)\sexist
    | (?:was\s|is\s|could\snot\sbe\s)?not\sfound | could\snot\sbe\sfound
    | is\snot\sa\svalid\smodel(?:\s(?:id|identifier|name))?
)\b"""
_PREDICATE = rf"(?:{_RETIRED}|{_MISSING})"
_OF_SOMETHING_ELSE = (
    r"(?![^.;]*?\b(?:tiers?|batch|endpoint|modes?|parameters?|fields?|features?|tools?|schemas?|streaming)\b)"
)
"""Nothing of this may follow: then it is what the model lacks, and the model is there."""

_WHOLE = r"(?=\s*(?:\Z|[.,;!)]|or\b|and\b|on\s\d))"
_ADJECTIVE = r"(?:requested|specified|selected|provided|given)"
_QUOTE = "[\"'`\u2018\u2019\u201c\u201d]?"
_ANY_NAME = rf"(?:{re.escape(GAP)} | [\w./:@-]*[\d/@-][\w./:@-]*\w | (?<==)[\w./:@-]*\w)"
"""A name where nobody says which model was asked: it was quoted, or looks like that of a model."""

_BEFORE = r"(?:\A\W* | [.;:,(]\s* | \b(?:the|model|deployment|engine)s?(?:\s(?:id|identifier|name))?:?\s)"
_ABOUT = r"\b(?:for|of|in|on|with|to|from|by|using|via)\s(?:(?:the|this|your)\s)?(?:models?\s|deployments?\s)?"
"""A model behind one of these is not what the sentence says something of."""

_REGION = re.compile(r"\A[a-z][a-z-]{1,6}\.(?=[a-z])")
"""Of the id of one of Bedrock's inference profiles: behind it stands the model's own."""

RETIRED = re.compile(rf"(?ix){_RETIRED} | \bdecommissioned\b | \bend\sof\sits\slife\b")
"""What tells a model that was retired from one that never was, in a sentence that says that it is gone."""

RETIRED_CODES = {"model_decommissioned", "model_deprecated", "model_retired", "model_end_of_life", "DeploymentRetired"}
"""What tells the same among the codes of a model that is gone."""

_FOR_A_WHILE = re.compile(
    r"""(?ix)\b(?: right\snow | at\s(?:this|the)\s(?:time|moment) | currently | temporar\w+ | momentar\w+ | retry
    | retrying | try\sagain | again\slater | please\swait | busy | overloaded | loading | starting
    | not\s(?:yet\s)?ready )\b"""
)

_FIXED = r"""(?ix)
    \A(?: model\snot\sexist\W*\Z
        | the\sprovided\smodel\sidentifier\sis\sinvalid
        | this\smodel\sversion\shas\sreached\sthe\send\sof\sits\slife
        | access\sdenied\.\sthis\smodel\sis\smarked\sby\s(?:the\s)?provider\sas\slegacy
        | the\sapi\sdeployment\sfor\sthis\sresource\sdoes\snot\sexist
    )
    | \binvocation\sof\smodel\sid\s%(name)s\swith\son-demand\sthroughput\sis
"""
"""Sentences that DeepSeek, Bedrock and Azure have for it; some speak of a retry, with another id."""

_FORMS = rf"""(?ix)
    \A(?:error:\s)?(?:(?:the|this)\s)?(?:{_ADJECTIVE}\s)?(?:model|deployment)
      \s{_PREDICATE}{_WHOLE}{_OF_SOMETHING_ELSE}
    | (?P<about>{_ABOUT})?%(subject)s\s(?:model\s)?{_PREDICATE}{_OF_SOMETHING_ELSE}
    | \b(?:no\ssuch|unknown|invalid|unrecognized|nonexistent)\s(?:model|deployment)(?:\s(?:id|identifier|name))?
      (?:\spassed\sin\smodel)?\s?[:=]?\s?%(name)s{_WHOLE}
    | \b(?:model|deployment)\s(?:(?:was|is)\s)?(?:not\sfound|does\snot\sexist)\s?[:=]\s?%(name)s{_WHOLE}
    | \b(?:no\sendpoints\sfound\sfor | (?:unable\sto|cannot)\s(?:access|find)\s(?:the\s)?model
        | does\snot\shave\saccess\sto\s(?:the\s)?model)\s%(name)s{_WHOLE}
"""
_NAMED = re.compile(r"(?i)\Amodel:\s[\w./:@-]+\W*\Z")


def says_gone(words: str, model: str, *, is_not_found: bool = False) -> bool:
    """Whether a sentence says that the model that was asked is gone.

    `model` is its name as it was asked, or "" if nobody knows. `is_not_found` if a code beside it says that something
    is not there: then a sentence that only names a model says that it is the model.
    """
    fixed, forms = _patterns(model)
    if fixed.search(words) or (is_not_found and _NAMED.search(words)):
        return True
    return not _FOR_A_WHILE.search(words) and any(not found["about"] for found in forms.finditer(words))


@lru_cache(maxsize=64)
def _patterns(model: str) -> tuple[re.Pattern[str], ...]:
    name = _name(model) if model else _ANY_NAME
    subject = rf"{_BEFORE}{name}" if model else rf"(?:\b(?:model|deployment)\s{name} | \A[\w.-]*[/@][\w./:@-]+)"
    return tuple(re.compile(form % {"name": name, "subject": subject}) for form in (_FIXED, _FORMS))


def _name(model: str) -> str:
    """Return a pattern of a model's name: with or without its vendor, with the date or the tag of a version."""
    parts = model.split("/")
    tails = {"/".join(parts[n:]) for n in range(len(parts))} - {""}
    tails |= {_REGION.sub("", tail) for tail in tails}
    names = "|".join(re.escape(tail) for tail in sorted(tails, key=len, reverse=True))
    before, after = r"(?<![\w-])(?:[\w.@/:-]*[/:.])?", r"(?:-\d{4}-?\d\d-?\d\d)?(?::[\w.-]*\w)?(?![\w-]|[./:]\w)"
    return rf"{_QUOTE}{before}(?:{names}){after}{_QUOTE}"
