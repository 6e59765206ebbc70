"""Qendra: a call center in a box. README.md is the map of its rooms."""
