"""Plays the services that the agents' tools call: a directory, its appointments, and a shop's orders and refunds."""
