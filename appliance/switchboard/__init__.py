"""The calls in progress: joins legs, flow and queue into calls.

In: events of legs, lines, phones and operators.  Out: commands to the rooms with muscles, facts for the journal.
Touches: nothing; time is an argument, names come from a counter and a word handed in.
"""
