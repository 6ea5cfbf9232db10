"""`turnkeeper config`: a stage's file, checked with its lines, and put in force as one version."""

import json
from pathlib import Path
from threading import Barrier, Thread

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.ports import Put
from turnkeeper.stores.stage import StageStore
from turnkeeper_cli import config, stage_file
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import stack_of

from infra.local.config import ROOT, Ports, variables
from tests.cli.conftest import Result, Run, Stack
from tests.support.world import service


def write(stack: Stack, text: str, stage: str = "local") -> Path:
    file = stack.folder / "infra/stages" / f"{stage}.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def apply(stack: Stack, run: Run, text: str, *arguments: str) -> Result:
    write(stack, text)
    return run("config", "apply", *arguments)


def test_a_limit_that_is_applied_holds_for_the_next_turn(stack: Stack, run: Run) -> None:
    result = apply(stack, run, '[limits]\ntask_usd = "0.000001"\n')
    stack.world.later(30)

    assert 0 == result.code
    assert result.out.splitlines()[0] == "infra/stages/local.toml is in force within 60 s: version 1."
    assert "limits.task_usd: (default) -> 0.000001" in result.out
    assert 402 == stack.world.send(who=service(), customer_id="carla").status


def test_what_is_in_force_is_shown_beside_the_defaults(stack: Stack, run: Run) -> None:
    assert "Nothing was ever applied" in run("config", "show").out
    apply(stack, run, '[turns]\nburst = 7\n\n[rates."openai:*"]\nrequests = 5\n')
    lines = run("config", "show").out.splitlines()

    assert lines[0].startswith("version 1, by ")
    assert {"turns.burst = 7", "rates.openai:*.requests = 5"} <= set(lines)
    assert {"turns.per_minute = 60  (default)", "limits.task_usd = 0.50  (default)"} <= set(lines)


def test_a_difference_is_shown_and_nothing_is_changed(stack: Stack, run: Run) -> None:
    apply(stack, run, "[turns]\nburst = 7\n")
    write(stack, "[turns]\nburst = 9\n")
    result = run("config", "diff")

    assert ["turns.burst: 7 -> 9", "To apply exactly this: turnkeeper config apply --version 1"] == (
        result.out.splitlines()
    )
    assert 1 == StageStore(stack.world.table).current().version


def test_a_file_that_is_in_force_makes_no_new_version(stack: Stack, run: Run) -> None:
    apply(stack, run, "[turns]\nburst = 7\n")
    again = run("config", "apply")

    assert "is in force already: version 1." in again.out
    assert "is in force: version 1." in run("config", "diff").out


def test_every_version_is_told_with_who_and_what(stack: Stack, run: Run) -> None:
    apply(stack, run, "[turns]\nburst = 7\n")
    run("stop", "agent", "paint", "--reason", "wrong colours")
    apply(stack, run, "[turns]\nburst = 9\n")
    lines = run("config", "show", "--history").out.splitlines()

    assert ["  turns.burst: 7 -> 9", "  stop agent paint", "  turns.burst: (default) -> 7"] == lines[1::2]
    assert ["version 3", "version 2", "version 1"] == [line.partition(",")[0] for line in lines[::2]]


def test_what_is_stopped_stays_stopped_when_a_file_is_applied(stack: Stack, run: Run) -> None:
    run("stop", "agent", "paint", "--reason", "wrong colours")
    apply(stack, run, "[turns]\nburst = 9\n")

    assert "stopped: agent paint, by " in (shown := run("config", "show").out)
    assert ": wrong colours" in shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[limits]\n\n# a day\ntask_usd = "much"\n', "local.toml:4: limits.task_usd: not an amount of dollars: 'much'"),
        ("[turns]\nburst = 1\n[limits]\ntaks_usd = 1\n", "local.toml:4: limits.taks_usd: there is no such setting"),
        ("[turns]\nburst = 1\n\n[limit]\n", "local.toml:4: limit: there is no such setting; there are: limits"),
        ('[hosts]\nprivate = [\n  "a",\n  "http://b",\n]\n', "local.toml:2: hosts.private.1: is no host"),
        ("turns = 3\n", "local.toml:1: turns: should be a table"),
        (
            "[hosts]\nprivate = [2024-01-01]\n",
            "local.toml:2: hosts.private: is a date or a time: write text, in quotes",
        ),
        ("# a\u2028b\n[turns]\nburst = 0\n", "local.toml:3: turns.burst: should be greater than or equal to 1"),
        ("\ufeff[turns]\nburst = 0\n", "local.toml:2: turns.burst: should be greater than or equal to 1"),
        (f"a = {'[' * 5000}{']' * 5000}\n", "is nested too deeply"),
        (
            '[dependencies.shop]\nurl = "https://${region}.x"\n',
            ":2: dependencies.shop.url: a variable is written",
        ),
        ("[turns\n", "local.toml is not TOML: "),
        ('[dependencies.shop]\nurl = "${SHOP_URL}"\n', ":2: dependencies.shop.url: set the variable SHOP_URL"),
        ('[dependencies.shpo]\nurl = "https://x"\n', ":1: dependencies.shpo: there is no 'shpo'; there are: shop"),
        ('[endpoints.groc]\nurl = "https://x"\n', "endpoints.groc: there is no 'groc'; there are: anthropic, azure"),
        ('[agents.piant]\nfirst = ["openai:first"]\n', "agents.piant: there is no 'piant'; there are: paint"),
        (
            '[agents.paint]\nfirst = ["openai:nope"]\n',
            ":2: agents.paint.first: paint does not ask 'openai:nope'; it asks: openai:first, ",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_changes_nothing(
    stack: Stack, run: Run, text: str, told: str
) -> None:
    apply(stack, run, "[turns]\nburst = 7\n")
    before = StageStore(stack.world.table).current()
    result = apply(stack, run, text)

    assert (1, "") == (result.code, result.out)
    assert told in result.err
    assert before == StageStore(stack.world.table).current()


def test_every_mistake_is_told_at_once(stack: Stack, run: Run) -> None:
    result = apply(stack, run, '[turns]\nburst = 0\n\n[limits]\ntask_usd = "x"\n')

    assert 2 == len(result.err.splitlines())


def test_variables_are_those_of_the_local_stack_or_of_the_shell(
    stack: Stack, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_HOST", "shop.example")
    assert 0 == apply(stack, run, '[dependencies.shop]\nurl = "https://${SHOP_HOST}/v2"\n').code
    settings = json.loads(StageStore(stack.world.table).current().settings)

    assert {"dependencies": {"shop": {"url": "https://shop.example/v2"}}} == settings


def test_of_two_operators_at_once_one_is_refused_and_told_who_was_first(stack: Stack) -> None:
    table, both = MemoryTable(), Barrier(2)  # moto's transactions are not atomic under threads
    said: list[str] = []

    class Together(StageStore):
        """Lets both see the version that is in force before either changes it."""

        def replace(self, found: object, by: object) -> None:
            both.wait(5)
            super().replace(found, by)  # type: ignore[arg-type]

    def operator(name: str, burst: int) -> None:
        wanted = stage_file.read(write(stack, f"[turns]\nburst = {burst}\n", name))
        try:
            config.apply_to(Together(table), wanted, by=name, at=1.0)
            said.append("in force")
        except CliError as error:
            said.append(str(error))

    threads = [Thread(target=operator, args=(name, burst)) for name, burst in (("olga", 3), ("otto", 4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (refused,) = (text for text in said if text != "in force")
    current = StageStore(table).current()

    assert 1 == current.version
    assert f"nothing was applied: others made changes since version 0\nversion 1, by {current.by}" in refused
    assert f"turns.burst: (default) -> {3 if current.by == 'olga' else 4}" in refused


def test_a_version_that_is_not_in_force_any_more_is_refused(stack: Stack, run: Run) -> None:
    apply(stack, run, "[turns]\nburst = 3\n")
    apply(stack, run, "[turns]\nburst = 7\n")
    run("stop", "everything")
    result = apply(stack, run, "[turns]\nburst = 4\n", "--version", "1")
    told = result.err.splitlines()

    assert 1 == result.code
    assert "turnkeeper: nothing was applied: others made changes since version 1" == told[0]
    assert ["version 3", "version 2"] == [line.partition(",")[0] for line in told[1:5:2]]
    assert ["  stop everything", "  turns.burst: 3 -> 7"] == told[2:5:2]


@pytest.mark.parametrize(
    "broken", [{"settings": "nonsense"}, {"settings": "[]"}, {"stops": None}, {"version": "x"}, {"changes": None}]
)
def test_an_item_that_cannot_be_read_is_shown_as_such_and_mended_by_applying_a_file(
    stack: Stack, run: Run, broken: dict[str, object]
) -> None:
    apply(stack, run, "[turns]\nburst = 3\n")
    kept = stack.world.table.get(("STAGE", "CURRENT"))
    stack.world.table.transact([Put(("STAGE", "CURRENT"), {**(kept or {}), **broken})])

    assert "It cannot be read, and the newest older version that can be holds instead: " in run("config", "show").out
    assert 0 == run("config", "diff").code
    assert "is in force within 60 s: version 2." in run("config", "apply").out
    assert ("", 2) == ((now := StageStore(stack.world.table).current()).fault, now.version)


def test_an_agents_stop_is_written_even_over_an_item_that_cannot_be_read(stack: Stack, run: Run) -> None:
    apply(stack, run, "[turns]\nburst = 3\n")
    kept = stack.world.table.get(("STAGE", "CURRENT"))
    stack.world.table.transact([Put(("STAGE", "CURRENT"), {**(kept or {}), "stops": None})])
    run("stop", "agent", "paint")
    now = StageStore(stack.world.table).current()

    assert (2, ["agent paint"]) == (now.version, [str(stop.target) for stop in now.stops])
    assert '{"turns": {"burst": 3}}' == now.settings


def test_a_stage_that_nobody_named_is_asked_for(stack: Stack, run: Run) -> None:
    assert "name the stage, --stage prod, or its file" in run("config", "diff", "--table", "turnkeeper").err
    assert "infra/stages/prod.toml cannot be read" in run("config", "diff", "--stage", "prod").err


def test_the_stack_of_a_stage_is_the_one_that_samconfig_names(project: Path) -> None:
    samconfig = project / "samconfig.toml"
    samconfig.write_text(
        '[prod.deploy.parameters]\nstack_name = "agents-prod"\n[dev.global.parameters]\nstack_name = "agents-dev"\n'
    )

    assert ("agents-prod", "agents-dev") == (stack_of("prod"), stack_of("dev"))
    with pytest.raises(CliError, match="names no stack for the stage 'nope'"):
        stack_of("nope")


@pytest.mark.parametrize("file", sorted((ROOT / stage_file.STAGES).glob("*.toml")), ids=lambda file: str(file.stem))
def test_the_files_of_the_project_are_right(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert stage_file.read(file, variables(Ports(1, 2, 3))).settings
