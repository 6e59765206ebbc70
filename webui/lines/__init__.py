"""Lines to the outside: how they are, and where their callers begin."""
