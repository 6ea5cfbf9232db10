"""The command `turnkeeper`: write agents, talk to them, look behind a turn. It is no part of what runs on Lambda."""
