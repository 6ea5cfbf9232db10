"""`turnkeeper turn` and `turnkeeper chat`: one turn, and a conversation, from the terminal."""

import json
from typing import Any

from turnkeeper_cli.client import ENDED, Client, Turn
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.show import is_terminal, line_of, micro, printable, say, usd

_WAITING = {
    "escalating": "… not answered at once: other ways are tried",
    "awaiting_human": "… a person was paged, and has the whole context",
}


def one_turn(client: Client, agent: str, message: str, *, wait_s: float, **body: str | None) -> bool:
    """Send a turn, wait for its outcome, print it as JSON; returns whether it was answered."""
    turn = client.send(agent, message, patience_s=wait_s, **body)
    turn = client.wait(turn, patience_s=wait_s)
    print(json.dumps(turn, indent=2, ensure_ascii=not is_terminal()))
    return bool(turn["status"] == "completed")


class Chat:
    """A conversation with one agent."""

    def __init__(self, client: Client, agent: str, *, wait_s: float, conversation: str | None = None) -> None:
        self._client, self._agent, self._wait_s, self._conversation = client, agent, wait_s, conversation
        self._spent, self._turns = 0, 0

    def run(self) -> None:
        """Talk until the person leaves."""
        say(f"You speak with {self._agent}. An empty line, `exit` or Ctrl-D ends it.", "dim")
        while message := self._read():
            try:
                self._exchange(message)
            except CliError as error:
                if not self._turns:
                    raise
                say(printable(str(error)), "red")
        say(f"{self._turns} turns, {usd(self._spent)}. {self._conversation or ''}".rstrip(), "dim")

    def _read(self) -> str:
        try:
            message = input("> " if is_terminal() else "").strip()
        except (EOFError, KeyboardInterrupt):
            return ""
        return "" if message in ("exit", "quit") else message

    def _exchange(self, message: str) -> None:
        turn = self._client.send(self._agent, message, patience_s=self._wait_s, conversation_id=self._conversation)
        self._conversation = turn["conversation_id"]
        self._turns += 1
        try:
            turn = self._client.wait(turn, patience_s=self._wait_s, changed=_tell)
        except KeyboardInterrupt:
            say("\nNot waited for.", "dim")
        self._spent += micro(turn["cost_usd"])
        self._show(turn)

    @staticmethod
    def _show(turn: Turn) -> None:
        say(printable(turn["reply"] or "(no answer)"))
        say(f"  {line_of(turn)} · {turn['turn_id']}", "dim")
        if turn["status"] not in ENDED:
            say(f"  It continues without you: turnkeeper trace {turn['turn_id']}", "dim")


def _tell(turn: dict[str, Any]) -> None:
    say(_WAITING.get(turn["status"], turn["status"]), "yellow")
