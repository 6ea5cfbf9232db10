"""The stage as an execution environment knows it: read with a turn's other items, and used until it is too old."""

from turnkeeper.domain.stage import MAX_AGE_S, Stage, StageSettings, StageVersion
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Clock
from turnkeeper.runtime.owner import Owner
from turnkeeper.stores.stage import StageStore

_LOOPBACK = "127.0.0.1"


class KnownStage:
    """The stage as it was last read: what the adapters of an environment look at. `read_at` is None until it was."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.read_at: float | None = None


class CurrentStage:
    """Keeps the known stage current."""

    def __init__(self, known: KnownStage, store: StageStore, clock: Clock, owner: Owner, loopback_host: str) -> None:
        self._known, self._store, self._clock, self._owner = known, store, clock, owner
        self._loopback_host = loopback_host
        self._warned_of: int | None = None

    @property
    def is_old(self) -> bool:
        """Whether the stage is to be read again, with whatever is read next."""
        read_at = self._known.read_at
        return read_at is None or self._clock() - read_at >= MAX_AGE_S

    def get(self) -> Stage:
        """Return the stage, read again if it is too old; where the table does not answer, as it was last read.

        Raises StoreUnavailable if it was never read.
        """
        if self.is_old:
            try:
                return self.take_in(self._store.current())
            except StoreUnavailable:
                if self._known.read_at is None:
                    raise
        return self._known.stage

    def take_in(self, found: StageVersion | None) -> Stage:
        """Take in the version that was read, or None if it was not; returns the stage that holds now.

        Settings that this code cannot read leave the last good ones in force, and the owner is warned. What is stopped
        holds even then, unless the item itself cannot be read.
        """
        if found is None:
            return self._known.stage
        read = self._settings(found)
        if isinstance(read, StageSettings):
            self._known.stage = Stage(read, found.stops, found.version)
        else:
            good = self._known.stage if self._known.read_at is not None else self._last_good()
            self._known.stage = Stage(good.settings, good.stops if found.fault else found.stops, found.version)
            self._warn(found, read)
        self._known.read_at = self._clock()
        return self._known.stage

    def _settings(self, found: StageVersion) -> StageSettings | str:
        """Return a version's settings, or why they cannot be read; those of the same version are not read again."""
        known = self._known
        is_known = known.read_at is not None and found.version == known.stage.version and not found.fault
        return known.stage.settings if is_known and found.version != self._warned_of else self._read(found)

    def _warn(self, found: StageVersion, why: str) -> None:
        if self._warned_of != found.version:
            self._warned_of = found.version
            self._owner.warn(f"version {found.version} of the stage cannot be read, an older one holds: {why}", {})

    def _last_good(self) -> Stage:
        """Return the newest older version that this code can read: an environment that has just begun knows none."""
        for version in self._store.history():
            read = self._read(version)
            if isinstance(read, StageSettings):
                return Stage(read, version.stops, version.version)
        return Stage()

    def _read(self, found: StageVersion) -> StageSettings | str:
        """Read a version's settings; returns why they cannot be read, if so."""
        if found.fault:
            return found.fault
        if not found.version:
            return StageSettings()
        if found.is_newer_than_the_code:
            return f"its format {found.format} is newer than the code"
        from turnkeeper.domain.stage_file import WrongSettings, settings_from_json  # noqa: PLC0415 - slow to import

        text = found.settings.replace(_LOOPBACK, self._loopback_host) if self._loopback_host else found.settings
        try:
            return settings_from_json(text)
        except WrongSettings as error:
            return str(error)
