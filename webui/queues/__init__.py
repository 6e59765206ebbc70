"""Queues: who answers them, how long a telephone rings, and what happens when it takes too long."""
