"""What callers hear: menus and messages, and the way from one to the next."""
