"""Plays conversations of the data set with the booking agent, and counts how their turns and bookings ended."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from infra.local import sgd
from infra.local.http_service import Request, Response
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain
from infra.local.tools_service.app import ToolsService
from tests.conversations.deployment import Deaths, Deployment
from tests.local.chats import send, serving
from tests.support.world import customer

Slot = tuple[str, str, str]
"""Whom, which day, which time."""

SENT_LATER = 1 / 3
"""The share of turns that ask for their answer later, so that the state machine makes their first attempt."""


@dataclass(frozen=True, slots=True)
class Mode:
    """What goes wrong: a share of the models' answers breaks the schema, the process dies at a share of its moments."""

    name: str
    invalid: float = 0.0
    deaths: float = 0.0


DEATHS = 0.009
"""A turn has about 25 moments: a fifth of the turns are killed, some of them more than once."""

MODES = (
    Mode("plain"),
    Mode("10 % invalid", invalid=0.1),
    Mode("20 % killed", deaths=DEATHS),
    Mode("both", invalid=0.1, deaths=DEATHS),
)


@dataclass
class Count:
    """What came of a run.

    `open` are turns that did not end, `unanswered` those that ended without an answer, `doubled` what was booked twice,
    and `differing` the conversations whose last booking is not the annotated one.
    """

    turns: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    open: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    killed: int = 0
    deaths: Counter[tuple[str, str]] = field(default_factory=Counter)
    conversations: int = 0
    as_annotated: int = 0
    differing: list[str] = field(default_factory=list)
    bookings: int = 0
    doubled: list[Slot] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether every turn ended and nothing was booked twice."""
        return not self.open and not self.doubled


class Store:
    """The tools' service, with a note of every key under which a slot was asked for."""

    def __init__(self, dialogues: Sequence[sgd.Dialogue]) -> None:
        self._service = ToolsService(list(dialogues))
        self._keys: dict[Slot, set[str]] = defaultdict(set)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if (request.method, request.path) == ("POST", "/appointments"):
            self._keys[_slot(json.loads(request.body))].add(request.headers["idempotency-key"])
        return self._service(request)

    def made(self) -> list[Slot]:
        """Return what is booked."""
        return [_slot(made) for made in send(self._service, "GET", "/appointments")[1]]

    def doubled(self) -> list[Slot]:
        """Return what is booked and would be booked twice by a store that keeps no slots: it came under two keys."""
        return [slot for slot in self.made() if len(self._keys[slot]) > 1]

    def empty(self) -> None:
        """Forget every booking, as the data set's conversations know nothing of each other."""
        send(self._service, "DELETE", "/_state")
        self._keys.clear()


def play(dialogues: Sequence[sgd.Dialogue], mode: Mode, seed: int = 7) -> Count:
    """Play conversations, each of a customer of its own; the same seed plays the same run."""
    random, count, store = Random(seed), Count(), Store(dialogues)
    deaths = Deaths(Random(seed + 1), mode.deaths, at=count.deaths)
    with serving(Provider(Brain(Annotations(dialogues)))) as url:
        world = Deployment(url, store, deaths, lambda: random.random() < mode.invalid)
        for dialogue in dialogues:
            store.empty()
            _converse(world, dialogue, random, count)
            _compare(store, dialogue, count)
    return count


def _converse(world: Deployment, dialogue: sgd.Dialogue, random: Random, count: Count) -> None:
    body: dict[str, Any] = {}
    for n, said in enumerate(dialogue.turns):
        before, key = count.deaths.total(), f"{dialogue.dialogue_id}-{n}"
        later = random.random() < SENT_LATER
        turn = world.say(said["user"], key, customer(f"customer-{count.conversations}"), later=later, **body)
        body = {"conversation_id": turn["conversation_id"]}
        count.turns += 1
        count.killed += count.deaths.total() > before
        if turn["status"] == "completed":
            count.tiers[turn["tier"]] += 1
        elif turn["status"] in {"expired", "failed"}:
            count.unanswered.append(key)
        else:
            count.open.append(key)


def _compare(store: Store, dialogue: sgd.Dialogue, count: Count) -> None:
    made, doubled = store.made(), store.doubled()
    count.conversations += 1
    count.bookings += len(made)
    count.doubled += doubled
    if made[-1:] == ([_annotated(dialogue.booking)] if dialogue.booking else []):
        count.as_annotated += 1
    else:
        count.differing.append(dialogue.dialogue_id)


def _slot(body: dict[str, str]) -> Slot:
    return body["name"], body["date"], body["time"]


def _annotated(booking: dict[str, str]) -> Slot:
    return sgd.name_in(booking), booking["appointment_date"], booking["appointment_time"]
