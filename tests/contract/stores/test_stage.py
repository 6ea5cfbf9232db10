"""Versions of the stage, in memory and in moto."""

import pytest
from turnkeeper.domain.stage import StageVersion, Stop, Stoppable, Target
from turnkeeper.errors import StageChanged
from turnkeeper.ports import Put, Table
from turnkeeper.stores.stage import StageStore

BOOKING, EVERYTHING = Target(Stoppable.AGENT, "booking"), Target(Stoppable.EVERYTHING)


def apply(store: StageStore, found: StageVersion, settings: str = "{}", by: str = "olga") -> StageVersion:
    wanted = found.with_settings(settings, [f"settings: {settings}"], by=by, at=12.5)
    store.replace(found, wanted)
    return wanted


def test_a_table_has_version_0_until_something_is_applied(table: Table) -> None:
    assert StageVersion() == StageStore(table).current()


def test_what_is_applied_is_read_as_it_was_written(table: Table) -> None:
    store = StageStore(table)
    first = apply(store, store.current(), '{"limits": {"task_usd": "0.10"}}')
    stopped = first.stopping(BOOKING, reason="wrong dates", by="otto", at=13.25)
    store.replace(first, stopped)

    assert stopped == store.current()
    assert (Stop(BOOKING, "otto", 13.25, "wrong dates"),) == store.current().stops


def test_of_two_changes_of_one_version_the_second_is_refused_and_told(table: Table) -> None:
    store = StageStore(table)
    seen_by_both = apply(store, store.current())
    first = apply(store, seen_by_both, '{"turns": {"burst": 5}}', by="olga")
    with pytest.raises(StageChanged) as refused:
        apply(store, seen_by_both, '{"turns": {"burst": 9}}', by="otto")

    assert first == refused.value.current == store.current()
    assert [2, 1] == [version.version for version in store.history()]


def test_of_two_first_changes_the_second_is_refused(table: Table) -> None:
    store = StageStore(table)
    apply(store, StageVersion(), by="olga")
    with pytest.raises(StageChanged):
        apply(store, StageVersion(), by="otto")


def test_a_change_whose_answer_was_lost_may_be_sent_again(table: Table) -> None:
    store = StageStore(table)
    wanted = apply(store, StageVersion())
    store.replace(StageVersion(), wanted)

    assert [wanted] == list(store.history())


def test_stops_of_two_operators_at_once_both_hold(table: Table) -> None:
    store = StageStore(table)
    seen: list[int] = []

    def stop(found: StageVersion) -> StageVersion:
        seen.append(found.version)
        if len(seen) == 1:
            store.change(lambda version: version.stopping(EVERYTHING, reason="", by="otto", at=1.0))
        return found.stopping(BOOKING, reason="", by="olga", at=2.0)

    store.change(stop)

    assert {EVERYTHING, BOOKING} == {found.target for found in store.current().stops}
    assert [0, 1] == seen


def test_to_stop_what_is_stopped_writes_nothing(table: Table) -> None:
    store = StageStore(table)
    for _ in range(2):
        store.change(lambda version: version.stopping(BOOKING, reason="", by="olga", at=2.0))

    assert 1 == store.current().version


def test_every_version_says_who_when_and_what(table: Table) -> None:
    store = StageStore(table)
    first = apply(store, store.current(), '{"turns": {"burst": 5}}')
    store.change(lambda version: version.stopping(BOOKING, reason="", by="otto", at=14.0))
    newest, oldest = store.history()

    assert (("stop agent booking",), "otto", 14.0) == (newest.changes, newest.by, newest.at)
    assert first == oldest
    assert [newest] == list(store.history(limit=1))


def test_a_kind_of_target_that_only_newer_code_knows_stops_nothing_here_and_is_written_back(table: Table) -> None:
    store = StageStore(table)
    store.change(lambda version: version.stopping(BOOKING, reason="", by="olga", at=2.0))
    kept = table.get(("STAGE", "CURRENT")) or {}
    table.transact([Put(("STAGE", "CURRENT"), kept | {"stops": [kept["stops"][0] | {"what": "region"}]})])
    store.change(lambda version: version.stopping(EVERYTHING, reason="", by="otto", at=3.0))

    assert ["region booking", "everything"] == [str(stop.target) for stop in store.current().stops]


@pytest.mark.parametrize(
    "broken", [{"stops": None}, {"stops": [{}]}, {"changes": None}, {"at": None}, {"format": "x"}, {"version": None}]
)
def test_an_item_that_cannot_be_read_says_so_and_the_newest_that_can_is_changed(
    table: Table, broken: dict[str, object]
) -> None:
    store = StageStore(table)
    good = apply(store, store.current(), '{"turns": {"burst": 5}}')
    table.transact([Put(("STAGE", "CURRENT"), {**(table.get(("STAGE", "CURRENT")) or {}), **broken})])
    assert store.current().fault
    apply(store, store.base(), '{"turns": {"burst": 6}}')

    assert ("", good.version + 1) == ((now := store.current()).fault, now.version)
