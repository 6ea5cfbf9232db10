"""The provider as one function of requests: finds the protocol, asks the brain, plays the fault that is wanted."""

import datetime as dt
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from infra.local.faults import STATUSES, Calls, Faults, control, delivered
from infra.local.http_service import App, Request, Response
from infra.local.model_provider import anthropic, bedrock, listing
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.brain import Brain
from infra.local.model_provider.chat import Asked, BadRequestError, Call, Completion, Reply, Usage, tokens
from infra.local.model_provider.chat_completions import ChatCompletions
from infra.local.model_provider.modes import CONTENT, MODES, PLAYED, TRANSPORT
from infra.local.model_provider.prompt_cache import BYTES_PER_TOKEN, CacheUse, PromptCache
from infra.local.model_provider.responses import Responses
from infra.local.model_provider.rules import listed, refusal, warnings
from infra.local.model_provider.rules.servers import SERVERS
from infra.local.model_provider.wire import Wire, sent_of

_DEFAULT_LIMIT = 4096
_THOUGHT = "Let me see what is asked, what is known, and what to answer."


@dataclass(frozen=True, slots=True)
class Route:
    """A path, as a pattern, and who answers there: a wire, its rules, and the name of the server."""

    path: str
    rules: str
    server: str
    wire: Wire


_HAVE_RESPONSES = ("openai", "azure")
_ROUTES: tuple[Route, ...] = (
    *(Route(f"{row.path}/chat/completions", "chat", row.name, ChatCompletions(row)) for row in SERVERS.values()),
    *(
        Route(f"{SERVERS[name].path}/responses", "responses", name, Responses(SERVERS[name]))
        for name in _HAVE_RESPONSES
    ),
    Route(r"(?:/v1)?/messages", "anthropic", "", anthropic),
    Route(r"/model/(?P<name>[^/]+)/converse", "bedrock", "", bedrock),
)


def app(data: Path | None = None) -> App:
    """Make the provider; `data` is the annotated data set, where it is not at its usual place."""
    return Provider(Brain(Annotations.load(data)))


class Provider:
    """Answers requests; the paths beginning with `/_` control it. `clock` gives seconds since the epoch."""

    def __init__(self, brain: Brain, clock: Callable[[], float] = time.time) -> None:
        self._brain, self._faults, self._calls = brain, Faults(MODES), Calls()
        self._clock, self._cache = clock, PromptCache(clock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        for route in _ROUTES:
            match = re.fullmatch(route.path, request.path)
            if match and request.method == "POST":
                return self._complete(route, request, unquote(match.groupdict().get("name", "")))
        if (request.method, request.path) == ("GET", "/_rules"):
            return Response.of_json(200, listed())
        unknown = Response.of_json(404, {"error": {"message": f"there is no {request.method} {request.path}"}})
        return listing.answer(request) or control(request, self._faults, self._calls) or unknown

    def _complete(self, route: Route, request: Request, name: str) -> Response:
        if not route.wire.has_key(request.headers):
            return route.wire.fail("bad_key")
        try:
            sent = sent_of(request, name, route.server, dt.datetime.fromtimestamp(self._clock(), dt.UTC).date())
        except BadRequestError as error:
            return self._malformed(route, name, str(error))
        try:
            sent = anthropic.current(sent) if route.wire is anthropic else sent
            found = refusal(route.rules, sent)
            if found:
                rule, why = found
                self._calls.add(sent.model, "refused", refused=rule.shown(), message=why.message, server=sent.server)
                return route.wire.refuse(why)
            asked = route.wire.read(sent, len(request.body))
        except BadRequestError as error:
            return self._malformed(route, sent.model, str(error))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
            return self._malformed(route, sent.model, f"the request is not shaped as documented: {error!r}")
        return self._answer(route, asked, warned=[rule.shown() for rule in warnings(route.rules, sent)])

    def _malformed(self, route: Route, model: str, message: str) -> Response:
        says = "a request of another shape than the documented one"
        refused = {"rule": None, "says": says}
        self._calls.add(model, "refused", refused=refused, message=message, server=route.server)
        return route.wire.fail("bad_request", message)

    def _answer(self, route: Route, asked: Asked, warned: Sequence[Mapping[str, Any]]) -> Response:
        reply = self._brain.reply(asked)
        rule = self._faults.take(asked.model, skip={"low_confidence"} if reply.calls else ())
        mode = rule.mode if rule else "ok"
        failure = route.wire.fail(mode) if mode in STATUSES else None
        if mode in PLAYED:
            failure = route.wire.play(mode, asked)
        about: dict[str, Any] = {"server": route.server} | ({"warned": warned} if warned else {})
        if failure:
            self._calls.add(asked.model, mode, tokens_in=0, tokens_out=0, **about)
            return failure
        completion = _completion(asked, reply, self._cached(asked))
        if mode == "other_model":
            completion = replace(completion, model=route.wire.other_model(asked))
        if mode in CONTENT:
            completion = CONTENT[mode](completion)
        self._calls.add(asked.model, mode, **_shown(completion.billed), **about)
        response = Response.of_json(200, route.wire.write(asked, completion))
        return delivered(response, rule if mode in TRANSPORT else None)

    def _cached(self, asked: Asked) -> CacheUse:
        caching = asked.caching
        if caching is None:
            return CacheUse()
        used = self._cache.use(
            caching.scope,
            asked.prompt,
            least_tokens=caching.least_tokens,
            life_s=caching.life_s,
            breakpoints=caching.breakpoints,
        )
        return used if caching.bills_writes else replace(used, written_tokens=0)


def _shown(billed: Usage) -> dict[str, int]:
    return {
        "tokens_in": billed.read,
        "tokens_out": billed.written,
        "cache_read": billed.cache_read,
        "cache_written": billed.cache_written,
        "thinking": billed.thinking,
    }


def _completion(asked: Asked, reply: Reply, cached: CacheUse) -> Completion:
    """Think, then say as much of a reply as the limit leaves room for."""
    calls = tuple(Call(f"call_{uuid.uuid4().hex[:24]}", name, arguments) for name, arguments in reply.calls)
    said = reply.text.encode() or json.dumps(reply.calls).encode()
    wanted, most = asked.thinking + tokens(len(said)), asked.max_tokens or _DEFAULT_LIMIT
    thinking = min(asked.thinking, asked.max_tokens or asked.thinking)
    is_cut = asked.max_tokens is not None and wanted > most
    used = Usage(
        tokens(asked.size), min(wanted, most) if is_cut else wanted, cached.read_tokens, cached.written_tokens, thinking
    )
    text, finish = reply.text, "tools" if calls else "stop"
    if is_cut:
        left = (most - thinking) * BYTES_PER_TOKEN
        text, calls, finish = said[:left].decode(errors="ignore") if reply.text else "", (), "length"
    return Completion(text, calls, finish, used, used, asked.model, most, _THOUGHT if thinking else "")
