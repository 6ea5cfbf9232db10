"""The stage's item: its current version, which turns read with their other items, and every version before."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from turnkeeper.domain.stage import StageVersion
from turnkeeper.errors import StageChanged
from turnkeeper.ports import Attr, Item, Key, Put, Refused, Table
from turnkeeper.stores import keys
from turnkeeper.stores.items import STAGE, stage_item

_TRIES = 8


def stage_key() -> Key:
    """Return the key of the current version."""
    return keys.stage()


def stage_of(item: Item | None) -> StageVersion:
    """Read a version; version 0 where nothing was ever applied, and one with a fault where the item cannot be read."""
    if not item:
        return StageVersion()
    try:
        found = STAGE.read(item)
        if not found.version:
            raise ValueError("it has no version")  # noqa: TRY301 - one place for whatever is wrong with it
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return StageVersion(version=_version_in(item), fault=f"{type(error).__name__} in its item")
    return found


class StageStore:
    """Versions of the stage, over the table. They are kept for ever: they say who changed what."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def current(self) -> StageVersion:
        """Read the current version."""
        return stage_of(self._table.get(keys.stage()))

    def base(self) -> StageVersion:
        """Return the version to change: the current one or, where its item cannot be read, the newest that can be."""
        found = self.current()
        if not found.fault:
            return found
        versions = list(self.history())
        good = next((version for version in versions if not version.fault), StageVersion())
        return replace(good, version=max(version.version for version in (found, good, *versions)), fault=found.fault)

    def replace(self, found: StageVersion, by: StageVersion) -> None:
        """Make a version the current one. Raises StageChanged if `found` is not the current one any more."""
        item = stage_item(by)
        if found.fault:
            unchanged = Attr("pk").exists()
        else:
            unchanged = Attr("version").eq(found.version) if found.version else Attr("pk").absent()
        try:
            self._table.transact(
                [
                    Put(keys.stage(), item, when=unchanged),
                    Put(keys.stage_version(by.version), item, when=Attr("pk").absent()),
                ]
            )
        except Refused as refusal:
            current = self.current()
            if current != by:  # it is ours if only the answer of an earlier try was lost
                raise StageChanged(current) from refusal

    def change(self, how: Callable[[StageVersion], StageVersion]) -> tuple[StageVersion, StageVersion]:
        """Change the current version, whoever else changes it meanwhile; returns the version before and after.

        For changes that do not depend on what was there, such as a stop. Raises StageChanged if others were always
        first.
        """
        for tries_left in range(_TRIES, 0, -1):
            found = self.base()
            wanted = how(found)
            if wanted == found:
                break
            try:
                self.replace(found, wanted)
            except StageChanged:
                if tries_left == 1:
                    raise
            else:
                break
        return found, wanted

    def history(self, *, limit: int | None = None) -> Iterator[StageVersion]:
        """Read the versions, the newest first."""
        items = self._table.query(keys.stage()[0], prefix=keys.STAGE_VERSION, newest_first=True, limit=limit)
        return map(stage_of, items)


def _version_in(item: Item) -> int:
    version = item.get("version")
    return version if isinstance(version, int) else -1
