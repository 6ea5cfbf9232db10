"""The use cases: what happens to a turn, over ports and stores; no client is made and nothing is configured here."""
