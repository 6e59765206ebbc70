"""The people who answer: their telephones, their queues, and their logins to the page."""
