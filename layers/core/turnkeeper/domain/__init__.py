"""Pure decisions: (state, now, limits) -> decision. No environment, clock, client or logger in here."""
