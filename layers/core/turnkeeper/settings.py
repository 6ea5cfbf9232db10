"""What a deployment decides, read once from the environment of a function; every variable is set in template.yaml.

What a stage may change while it runs is in `domain/stage.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from turnkeeper.domain.breaker import BreakerPolicy
from turnkeeper.domain.policies import OnCall, PagingTimes, RunTimes


class MissingSetting(LookupError):  # noqa: N818 - the name says it
    """An environment variable that the function needs is not set, or not readable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A deployment's settings; `keep_s` is how long a turn is kept, in seconds.

    `loopback_host` stands for 127.0.0.1 in the stage's settings where a function runs in a container (`sam local`).
    `environment` holds all variables: secrets have names of their own.
    """

    table_name: str
    state_machine_arn: str
    owner_topic_arn: str
    on_call: OnCall
    run_times: RunTimes
    paging: PagingTimes
    breaker: BreakerPolicy
    keep_s: float
    loopback_host: str
    environment: Mapping[str, str]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read settings; raises MissingSetting, which names the variable."""
        read = _Reader(env)
        on_call = env.get("ON_CALL_TOPIC_ARN", "")
        return cls(
            table_name=read.text("TABLE_NAME"),
            state_machine_arn=env.get("STATE_MACHINE_ARN", ""),
            owner_topic_arn=env.get("OWNER_TOPIC_ARN", ""),
            on_call=OnCall(
                topic=on_call,
                second_level_topic=env.get("SECOND_LEVEL_TOPIC_ARN") or on_call,
                second_level_from=int(read.number("SECOND_LEVEL_PAGES", 2)) + 1,
                public_url=env.get("PUBLIC_URL", "").rstrip("/"),
                shows_message=env.get("NOTICE_SHOWS_MESSAGE", "true").lower() == "true",
            ),
            run_times=RunTimes(
                deadline_s=read.number("RUN_DEADLINE_SECONDS", 20),
                answer_by_s=read.number("ANSWER_BY_SECONDS", 86_400),
                lease_margin_s=read.number("LEASE_MARGIN_SECONDS", 5),
            ),
            paging=PagingTimes(
                page_every_s=read.number("PAGE_SECONDS", 600), claim_s=read.number("CLAIM_SECONDS", 900)
            ),
            breaker=BreakerPolicy(
                failure_threshold=int(read.number("BREAKER_FAILURE_THRESHOLD", 5)),
                recovery_timeout_s=read.number("BREAKER_RECOVERY_SECONDS", 300),
            ),
            keep_s=read.number("RETENTION_DAYS", 30) * 86_400,
            loopback_host=env.get("LOOPBACK_HOST", ""),
            environment=dict(env),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    env: Mapping[str, str]

    def text(self, name: str) -> str:
        value = self.env.get(name, "")
        if not value:
            raise MissingSetting(f"set the environment variable {name}")
        return value

    def number(self, name: str, default: float) -> float:
        try:
            value = float(self.env.get(name) or default)
        except ValueError:
            value = -1.0
        if not 0 < value < float("inf"):
            raise MissingSetting(f"{name} must be a number above 0, not {self.env[name]!r}")
        return value
