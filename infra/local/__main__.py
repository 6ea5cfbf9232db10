"""The command line of the local cloud: `python -m infra.local up|down|run|status`."""

import sys

from infra.local.config import LocalCloudError
from infra.local.terminal import paint, say
from infra.local.up import down, is_up, up


def main(arguments: list[str]) -> int:
    """Do what is asked; one clear line and a 1 where it cannot be done."""
    try:
        if arguments == ["up"]:
            stack = up()
            say(f"  API     {stack['api_url']}/v1")
            say(f"  Console {stack['console_url']}")
            say("  Tokens and the rest are in .local/stack.json; `make down` stops everything.")
        elif arguments == ["down"]:
            down()
        elif arguments == ["status"]:
            say("up" if is_up() else "down")
        elif arguments == ["run"]:
            from infra.local.demo import run  # noqa: PLC0415 - imports what the others do not need

            run(up())
        else:
            say("usage: python -m infra.local up|down|run|status")
            return 2
    except LocalCloudError as error:
        say(paint(f"turnkeeper: {error}", "red"))
        return 1
    except KeyboardInterrupt:
        say("\nStopped; nothing is left running.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
