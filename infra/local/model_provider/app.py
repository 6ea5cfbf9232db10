"""The provider as one function of requests: finds the protocol, asks the brain, plays the fault that is wanted."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from infra.local.faults import BODIES, DELIVERIES, STATUSES, Calls, Faults, control, delivered
from infra.local.http_service import App, Request, Response
from infra.local.model_provider import anthropic, bedrock, listing, openai
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.brain import Brain
from infra.local.model_provider.chat import Asked, BadRequestError, Call, Completion, Reply, Usage, parsed, tokens
from infra.local.model_provider.wire import Wire

_WIRES: tuple[tuple[str, Wire], ...] = (
    (r"(?:/v1|/openai/v1)?/chat/completions", openai),
    (r"(?:/v1)?/messages", anthropic),
    (r"/model/(?P<name>[^/]+)/converse", bedrock),
)
_LOW = 0.40
_ABSURD = 10**12
_TRANSPORT = {*DELIVERIES, *BODIES} - {"empty"}


def _low_confidence(completion: Completion) -> Completion:
    answer = parsed(completion.text)
    if not isinstance(answer, dict):
        return completion
    return replace(completion, text=json.dumps({**answer, "confidence": _LOW}, ensure_ascii=False))


def _says(text: str, finish: str = "stop") -> Callable[[Completion], Completion]:
    def play(completion: Completion) -> Completion:
        used = Usage(completion.billed.read, tokens(len(text.encode())))
        return Completion(text, (), finish, used, used)

    return play


_CONTENT: Mapping[str, Callable[[Completion], Completion]] = {
    "empty": _says(""),
    "prose": _says("Sure, I can help you with that. Let me see what I can find."),
    "invalid": _says('{"answer": 42}'),
    "refusal": _says("I'm sorry, but I can't help with that request.", "refusal"),
    "low_confidence": _low_confidence,
    "no_usage": lambda c: replace(c, usage=None),
    "absurd_usage": lambda c: replace(c, usage=Usage(_ABSURD, -1)),
}
"""Modes that change what the model says."""

MODES = frozenset({*STATUSES, *_TRANSPORT, *_CONTENT})


def app(data: Path | None = None) -> App:
    """Make the provider; `data` is the annotated data set, where it is not at its usual place."""
    return Provider(Brain(Annotations.load(data)))


class Provider:
    """Answers requests; the paths beginning with `/_` control it."""

    def __init__(self, brain: Brain) -> None:
        self._brain, self._faults, self._calls = brain, Faults(MODES), Calls()

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        for path, wire in _WIRES:
            match = re.fullmatch(path, request.path)
            if match and request.method == "POST":
                return self._complete(wire, request, unquote(match.groupdict().get("name", "")))
        unknown = Response.of_json(404, {"error": {"message": f"there is no {request.method} {request.path}"}})
        return listing.answer(request) or control(request, self._faults, self._calls) or unknown

    def _complete(self, wire: Wire, request: Request, name: str) -> Response:
        if not wire.has_key(request.headers):
            return wire.fail("bad_key")
        try:
            asked = wire.read(request, name)
        except BadRequestError as error:
            return wire.fail("bad_request", str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return wire.fail("bad_request", f"the request is not shaped as documented: {error!r}")
        reply = self._brain.reply(asked)
        rule = self._faults.take(asked.model, skip={"low_confidence"} if reply.calls else ())
        completion = _completion(asked, reply)
        if rule and rule.mode in _CONTENT:
            completion = _CONTENT[rule.mode](completion)
        failed = rule is not None and rule.mode in STATUSES
        billed = Usage(0, 0) if failed else completion.billed
        self._calls.add(asked.model, rule, tokens_in=billed.read, tokens_out=billed.written)
        if rule and failed:
            return wire.fail(rule.mode)
        response = Response.of_json(200, wire.write(asked, completion))
        return delivered(response, rule if rule and rule.mode in _TRANSPORT else None)


def _completion(asked: Asked, reply: Reply) -> Completion:
    calls = tuple(Call(f"call_{uuid.uuid4().hex[:24]}", name, arguments) for name, arguments in reply.calls)
    said = reply.text.encode() or json.dumps(reply.calls).encode()
    wanted, most = tokens(len(said)), asked.max_tokens
    if most is not None and wanted > most:
        used = Usage(tokens(asked.size), most)
        return Completion(said[: most * 4].decode(errors="ignore") if reply.text else "", (), "length", used, used)
    used = Usage(tokens(asked.size), wanted)
    return Completion(reply.text, calls, "tools" if calls else "stop", used, used)
