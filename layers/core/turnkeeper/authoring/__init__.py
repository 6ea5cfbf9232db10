"""The parts that an agent is written with; agents import them from `turnkeeper`."""
