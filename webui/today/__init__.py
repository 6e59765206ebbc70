"""Now: who waits, who talks, who is ready, and what has to be done about it."""
