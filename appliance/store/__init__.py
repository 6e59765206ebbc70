"""The past: what was acknowledged is still there after the power has failed.

In: facts, call records, tasks, settings, logins.  Out: the same, on the next start and to the page.
Touches: the data folder (journal, TinyDB files, one file of secrets), and one writer thread for the journal.
"""
