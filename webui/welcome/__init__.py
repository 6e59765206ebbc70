"""Coming in: the owner's one-time link, login and logout, and what everybody may change about themselves."""
