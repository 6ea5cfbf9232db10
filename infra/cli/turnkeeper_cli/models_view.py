"""How `turnkeeper models` shows what it found: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from rich.table import Table as Grid
from rich.text import Text
from turnkeeper.domain.money import Price, Rate

from turnkeeper_cli.asking import Word
from turnkeeper_cli.lineup import Known, Use, key_of
from turnkeeper_cli.show import printable, say
from turnkeeper_cli.shutdowns import Shutdowns

_OLD_DAYS = 90
_NOT_KNOWN = "-"
_CENTS = Decimal("0.01")
_STYLES = {Word.HAS: "green", Word.GONE: "red", Word.UNKNOWN: "red", Word.NEEDS_PROFILE: "red", Word.SILENT: "yellow"}


@dataclass(frozen=True)
class Found:
    """The models of a project's agents on a day; `stage` is empty where none is known.

    `known` and `wrong` (what is wrong with each, as sentences) are by the models' keys. A model must last `days`.
    """

    stage: str
    uses: Sequence[Use]
    known: Mapping[tuple[str, str], Known]
    wrong: Mapping[tuple[str, str], Sequence[str]]
    shutdowns: Shutdowns
    today: date
    days: int

    @property
    def faults(self) -> list[str]:
        """All that is wrong, in the order of the models."""
        return list(dict.fromkeys(said for found in self.wrong.values() for said in found))

    def left(self, one: Known) -> int | None:
        """Return the days until a model ends, negative afterwards; None where no end is known."""
        return (one.end.ends - self.today).days if one.end else None

    def is_promised(self, one: Known) -> bool:
        """Whether a host promised that a model without an end has not reached its last day yet."""
        return one.end is None and one.stays_until is not None and one.stays_until > self.today


def show(found: Found) -> None:
    """Print the models, their endpoints, then what is wrong with them and what is not known."""
    stage = f"Stage {found.stage}" if found.stage else "No stage: URLs, regions and prices are those of the code"
    say(printable(f"{stage}. List of {found.shutdowns.as_of}, read on {found.today}."), "dim")
    say(_models(found))
    say()
    say(_endpoints(found))
    for line in _notes(found):
        say(line, "dim")
    for fault in found.faults:
        say(printable(f"✗ {fault}"), "red")
    if not found.faults:
        say(f"✓ No model is known to end within {found.days} days, and each has a price.", "green")


def _models(found: Found) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    grid.add_column("model", overflow="fold")
    grid.add_column("where")
    grid.add_column("$ in / out", justify="right")
    grid.add_column("ends")
    is_asked = any(one.answer for one in found.known.values())
    if is_asked:
        grid.add_column("asked")
    for (agent, path), uses in groupby(found.uses, lambda use: (use.agent, use.path)):
        grid.add_row(Text(printable(agent if path == "chain" else f"{agent}, {path}"), "bold"))
        for use in uses:
            one = found.known[key_of(use.model)]
            grid.add_row(*_cells(found, one), *([_asked(one)] if is_asked else []))
    return grid


def _cells(found: Found, one: Known) -> list[Text]:
    style = "red" if found.wrong[one.key] else ""
    return [
        Text(printable(f" {one.model.id}"), style),
        Text(printable(one.runs_in or _NOT_KNOWN)),
        Text(_price(one.price), "red" if one.unpriced else ""),
        _end(found, one),
    ]


def _end(found: Found, one: Known) -> Text:
    left = found.left(one)
    if one.end is None or left is None:
        return Text(f"≥ {one.stays_until}" if found.is_promised(one) else _NOT_KNOWN, "dim")
    style = "red" if left <= found.days else "yellow"
    return Text(f"{one.end.ends} {f'{left}d' if left >= 0 else 'gone'}", style)


def _asked(one: Known) -> Text:
    return Text(one.answer.word, _STYLES[one.answer.word]) if one.answer else Text(_NOT_KNOWN, "dim")


def _endpoints(found: Found) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    grid.add_column("endpoint")
    grid.add_column("wire")
    grid.add_column("URL", overflow="fold")
    rows = {(one.endpoint.name, one.endpoint.wire, one.url or _url(one)) for one in found.known.values()}
    for row in sorted(rows):
        grid.add_row(*(Text(printable(cell)) for cell in row))
    return grid


def _url(one: Known) -> str:
    return "that of the stack's region" if one.endpoint.wire == "bedrock" else "not known: the stage says it"


def _notes(found: Found) -> list[str]:
    """Say what the signs mean, what is not known, and what the endpoints said."""
    models = found.known.values()
    notes = ["$: per million tokens; + more for longer prompts. Where: the regions that its id or URL names"]
    if any(map(found.is_promised, models)):
        notes.append("≥: its host promised not to end it earlier")
    if any(one.end is None and not found.is_promised(one) and not one.answer for one in models):
        notes.append(f"{_NOT_KNOWN} under ends: the list has no date for it, which is no promise (to ask: --ask)")
    age = (found.today - found.shutdowns.as_of).days
    if age > _OLD_DAYS:
        notes.append(f"The list is {age} days old: update Turnkeeper, or ask the endpoints with --ask")
    notes += [f"{o.model.id}, asked: {o.answer.word}: {o.answer.said}" for o in models if o.answer and o.answer.said]
    return list(map(printable, notes))


def _price(price: Price | None) -> str:
    return f"{_rate(price.input)} / {_rate(price.output)}" if price else "none"


def _rate(rate: Rate) -> str:
    """Write a rate, with a + where a longer prompt costs more."""
    return _dollars(rate.base) + ("+" if any(price > rate.base for _, price in rate.tiers) else "")


def _dollars(amount: Decimal) -> str:
    return f"{amount:.2f}" if amount == amount.quantize(_CENTS) else f"{amount.normalize():f}"


def print_json(found: Found) -> None:
    """Print all that is known as one JSON object, a model of an agent each."""
    whole = {
        "stage": found.stage or None,
        "today": found.today.isoformat(),
        "days": found.days,
        "list_of": found.shutdowns.as_of.isoformat(),
        "ok": not found.faults,
        "models": [_json(found, use) for use in found.uses],
    }
    print(json.dumps(whole, indent=2))


def _json(found: Found, use: Use) -> dict[str, Any]:
    one = found.known[key_of(use.model)]
    end, answer = one.end, one.answer
    return {
        "agent": use.agent,
        "path": use.path,
        "model": use.model.id,
        "endpoint": one.endpoint.name,
        "wire": one.endpoint.wire,
        "url": one.url or None,
        "host": one.host,
        "runs_in": one.runs_in or None,
        "usd_per_million_tokens": _prices(one.price),
        "ends": end.ends.isoformat() if end else None,
        "days_left": found.left(one),
        "ends_by": end.by if end else None,
        "source": end.source if end else None,
        "not_before": one.stays_until.isoformat() if one.stays_until else None,
        "instead": one.instead or None,
        "asked": {"word": answer.word, "said": answer.said} if answer else None,
        "problems": found.wrong[one.key],
    }


def _prices(price: Price | None) -> dict[str, Any] | None:
    if price is None:
        return None
    rates = {
        "input": price.input,
        "output": price.output,
        "cache_read": price.cache_read,
        "cache_write": price.cache_write,
    }
    return {name: _tiers(rate) for name, rate in rates.items() if rate}


def _tiers(rate: Rate) -> Any:
    """Write a rate as `layers/agents/prices.json` has it."""
    if not rate.tiers:
        return str(rate.base)
    return {"base": str(rate.base), "tiers": [{"start": start, "price": str(price)} for start, price in rate.tiers]}
