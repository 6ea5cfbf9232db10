"""`turnkeeper trace`: the journal of a turn as a tree, with costs and times."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text
from rich.tree import Tree
from turnkeeper.ports import Item
from turnkeeper.runtime.turns import spent
from turnkeeper.stores import keys
from turnkeeper.stores.journal import Attempt, Journal, Step
from turnkeeper.stores.records import Escalation, Turn
from turnkeeper.stores.reservations import Reservation

from turnkeeper_cli.show import moment, printable, quoted, usd
from turnkeeper_cli.store import Store


def tree_of(store: Store, turn_id: str) -> Tree:
    """Return the tree; raises CliError where there is no such turn."""
    family = store.family(turn_id)
    turn = store.turns.get(turn_id)
    if turn is None:
        raise AssertionError(turn_id)
    return _Trace(turn, family).tree()


class _Trace:
    def __init__(self, turn: Turn, family: list[Item]) -> None:
        self._turn, self._family = turn, family
        self._items = {str(item["sk"]): item for item in family}
        self._reservations = [i for i in family if str(i["sk"]).startswith(keys.RESERVATION)]
        self._attempts = {a.epoch: a for a in Journal.attempts(family)}
        self._steps = {str(i["sk"]): i for i in family if str(i["sk"]).startswith(keys.STEP)}

    def tree(self) -> Tree:
        turn, outcome = self._turn, self._turn.outcome
        status = outcome["status"] if turn.is_done else ("escalated" if turn.st == "ESC" else "running")
        head = [turn.turn_id, turn.agent, status, outcome.get("tier"), usd(spent(self._family))]
        head.append(f"{outcome['latency_ms'] / 1000:.2f} s" if turn.is_done else None)
        tree = Tree(_line(*head, style="bold"))
        tree.add(_line("asked", quoted(turn.message), f"{moment(turn.created_at)} UTC"))
        tree.add(_line(f"customer {turn.customer}", turn.conversation, f"task {turn.task}", style="dim"))
        for epoch in sorted(self._epochs()):
            self._add_run(tree, epoch)
        if keys.ESCALATION in self._items:
            self._add_escalation(tree, Escalation.from_item(self._items[keys.ESCALATION]))
        if turn.is_done:
            tree.add(_line("told", quoted(outcome.get("reply") or "(nothing)"), outcome.get("reason")))
        if "FEEDBACK" in self._items:
            tree.add(_line("feedback", f"{self._items['FEEDBACK']['score']} of 5"))
        return tree

    def _epochs(self) -> set[int]:
        found = {
            *self._attempts,
            *(i["epoch"] for i in self._reservations),
            *(i["epoch"] for i in self._steps.values()),
        }
        return {int(epoch) for epoch in found}

    def _add_run(self, tree: Tree, epoch: int) -> None:
        mine = [i for i in self._reservations if i["epoch"] == epoch]
        attempt = self._attempts.get(epoch)
        tier = attempt.tier if attempt else (mine[0]["tier"] if mine else "")
        cost = sum(int(i["est"] if i["st"] == "PENDING" else i.get("actual", 0)) for i in mine)
        branch = tree.add(_line(f"run {epoch}", tier, *_verdict(attempt), usd(cost)))
        for _, line in sorted([*self._calls(mine), *self._effects(epoch)], key=lambda pair: pair[0]):
            branch.add(line)
        for call in attempt.calls if attempt else []:
            if call["error"] == "breaker_open":
                branch.add(_line(call["model"], "skipped: its breaker is open", style="dim"))
        for error in attempt.errors if attempt else []:
            branch.add(_line("wrong", quoted(error), style="yellow"))

    def _calls(self, reservations: list[Item]) -> Iterator[tuple[float, Text]]:
        for item in reservations:
            r, at = Reservation.from_item(item), float(item["at"])
            yield at, _line(self._after(at), r.model, item.get("error"), *_usage(item), *_money(r, item))

    def _effects(self, epoch: int) -> Iterator[tuple[float, Text]]:
        for item in self._steps.values():
            if item["epoch"] == epoch:
                step, at = Step.from_item(item), float(item["at"])
                state = {"DONE": "done", "NOT_DONE": "not done", "STARTED": "begun, its outcome not known"}[step.st]
                result = f"→ {printable(step.result)}" if step.result else None
                yield (
                    at,
                    _line(self._after(at), f"{step.tool}({printable(step.arguments)})", result, state, style="cyan"),
                )

    def _add_escalation(self, tree: Tree, escalation: Escalation) -> None:
        branch = tree.add(_line("escalated", escalation.reason, escalation.st.lower(), moment(escalation.created_at)))
        if escalation.opened_at:
            pages = f"{escalation.pages} page{'' if escalation.pages == 1 else 's'}"
            branch.add(_line(self._after(escalation.opened_at), "put before people", pages))
        if escalation.claimant:
            branch.add(_line("claimed by", printable(escalation.claimant)))
        if escalation.answered_at:
            branch.add(_line(self._after(escalation.answered_at), "answered"))

    def _after(self, at: float) -> str:
        return f"+{max(0.0, at - self._turn.created_at):.2f} s"


def _verdict(attempt: Attempt | None) -> list[Any]:
    if attempt is None:
        return []
    sure = f"confidence {attempt.confidence:.2f}" if attempt.confidence is not None else None
    return [attempt.outcome, attempt.reason, sure, f"{attempt.duration_ms / 1000:.2f} s"]


def _usage(item: Item) -> list[str]:
    if "duration_ms" not in item:
        return []
    return [f"{item['duration_ms']} ms", f"{item['tokens_in']} tokens in, {item['tokens_out']} out"]


def _money(r: Reservation, item: Item) -> list[str]:
    if r.st == "PENDING":
        return [f"{usd(r.est)} held"]
    if r.st == "VOIDED":
        return ["not billed"]
    guessed = "corrected" if "corrected" in item else "the worst case: the bill is not known"
    return [usd(r.actual), *([guessed] if r.guessed else [])]


def _line(*parts: Any, style: str = "") -> Text:
    return Text(" · ".join(printable(str(part)) for part in parts if part), style)
