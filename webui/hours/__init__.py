"""Opening hours: the week, days with hours of their own, and where callers are led when open and closed."""
