"""Runs the tools' local service: `python -m infra.local.tools_service --port N [--data PATH]`."""

from infra.local.http_service import main
from infra.local.tools_service.app import app

if __name__ == "__main__":
    main("The tools' local service", app)
