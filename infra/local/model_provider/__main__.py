"""Runs the local model provider: `python -m infra.local.model_provider --port N [--data PATH]`."""

from infra.local.http_service import main
from infra.local.model_provider.app import app

if __name__ == "__main__":
    main("The local model provider", app)
