"""What tests share: a whole deployment in memory, with scripted models and a clock that is moved."""
