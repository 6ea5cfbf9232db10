"""Serves the contract of the API: OpenAPI, made from the routes themselves."""

from turnkeeper.api.contract import handler

__all__ = ["handler"]
