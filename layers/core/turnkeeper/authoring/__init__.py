"""What an agent is written with; `turnkeeper.agent` and `turnkeeper` export it."""
