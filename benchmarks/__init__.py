"""Measures what is claimed: each module has a `run()`, which prints its tables."""
