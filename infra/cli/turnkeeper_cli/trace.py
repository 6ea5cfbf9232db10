"""`turnkeeper trace`: the journal of a turn as a tree, with costs and times."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text
from rich.tree import Tree
from turnkeeper.domain.attempt import Attempt
from turnkeeper.domain.effect import EffectState
from turnkeeper.domain.escalation import Escalation
from turnkeeper.domain.redaction import MOST_CHARACTERS
from turnkeeper.domain.reservation import Reservation, ReservationState
from turnkeeper.domain.turn import TurnState
from turnkeeper.domain.whole_turn import WholeTurn

from turnkeeper_cli.show import moment, printable, quoted, usd
from turnkeeper_cli.store import Store

_EFFECTS = {
    EffectState.DONE: "done",
    EffectState.NOT_DONE: "not done",
    EffectState.STARTED: "begun, its outcome not known",
}


def tree_of(store: Store, turn_id: str) -> Tree:
    """Return the tree; raises CliError where there is no such turn."""
    return _Trace(store.whole_turn(turn_id)).tree()


class _Trace:
    def __init__(self, whole: WholeTurn) -> None:
        self._whole, self._turn = whole, whole.turn
        self._attempts = {attempt.epoch: attempt for attempt in whole.attempts}

    def tree(self) -> Tree:
        whole, turn, outcome = self._whole, self._turn, self._turn.outcome
        status = outcome["status"] if turn.is_done else ("escalated" if turn.state is TurnState.ESC else "running")
        head = [turn.turn_id, turn.agent, status, outcome.get("tier"), usd(whole.cost_micro_usd)]
        head.append(f"{outcome['latency_ms'] / 1000:.2f} s" if turn.is_done else None)
        tree = Tree(_line(*head, style="bold"))
        tree.add(_line("asked", quoted(turn.message), f"{moment(turn.created_at)} UTC"))
        tree.add(_line(f"customer {turn.customer}", turn.conversation, f"task {turn.task}", style="dim"))
        for epoch in sorted(self._epochs()):
            self._add_run(tree, epoch)
        if whole.escalation:
            self._add_escalation(tree, whole.escalation)
        if turn.is_done:
            tree.add(_line("reply", quoted(outcome.get("reply") or "(nothing)"), outcome.get("reason")))
        if whole.feedback_score is not None:
            tree.add(_line("feedback", f"{whole.feedback_score} of 5"))
        return tree

    def _epochs(self) -> set[int]:
        whole = self._whole
        epochs = {attempt.epoch for attempt in whole.attempts} | {effect.epoch for effect in whole.effects}
        return epochs | {reservation.epoch for reservation in whole.reservations}

    def _add_run(self, tree: Tree, epoch: int) -> None:
        mine = [r for r in self._whole.reservations if r.epoch == epoch]
        attempt = self._attempts.get(epoch)
        tier = attempt.tier if attempt else (mine[0].tier if mine else "")
        cost = sum(r.cost_micro_usd for r in mine)
        branch = tree.add(_line(f"run {epoch}", tier, *_verdict(attempt), usd(cost)))
        for _, line, why in sorted([*self._calls(mine), *self._effects(epoch)], key=lambda step: step[0]):
            node = branch.add(line)
            if why:
                node.add(_line("why", quoted(why, MOST_CHARACTERS), style="yellow"))
        for call in attempt.calls if attempt else []:
            if call.error == "breaker_open":
                branch.add(_line(call.model, "skipped: its breaker is open", style="dim"))
        for error in attempt.errors if attempt else []:
            branch.add(_line("wrong", quoted(error), style="yellow"))

    def _calls(self, reservations: list[Reservation]) -> Iterator[tuple[float, Text, str]]:
        for r in reservations:
            at = r.reserved_at
            yield at, _line(self._after(at), r.model, r.error, *_usage(r), *_money(r)), r.why

    def _effects(self, epoch: int) -> Iterator[tuple[float, Text, str]]:
        for effect in self._whole.effects:
            if effect.epoch == epoch:
                call = f"{effect.tool}({printable(effect.arguments)})"
                result = f"→ {printable(effect.result)}" if effect.result else None
                line = _line(self._after(effect.at), call, result, _EFFECTS[effect.state], style="cyan")
                yield effect.at, line, ""

    def _add_escalation(self, tree: Tree, escalation: Escalation) -> None:
        branch = tree.add(
            _line("escalated", escalation.reason, escalation.state.lower(), moment(escalation.created_at))
        )
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


def _usage(r: Reservation) -> list[str]:
    if r.duration_ms is None:
        return []
    return [f"{r.duration_ms} ms", f"{r.tokens_in} tokens in, {r.tokens_out} out"]


def _money(r: Reservation) -> list[str]:
    if r.is_pending:
        return [f"{usd(r.reserved_micro_usd)} held"]
    if r.state is ReservationState.VOIDED:
        return ["not billed"]
    guessed = "corrected" if r.corrected_at else "the worst case: the bill is not known"
    return [usd(r.actual_micro_usd), *([guessed] if r.is_guess else [])]


def _line(*parts: Any, style: str = "") -> Text:
    return Text(" · ".join(printable(str(part)) for part in parts if part), style)
