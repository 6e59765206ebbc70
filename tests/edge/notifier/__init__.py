"""Lamps on desk phones."""
