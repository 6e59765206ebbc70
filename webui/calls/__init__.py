"""Past calls: found, told step by step, and heard again."""
