"""The words all rooms share.

In: nothing.  Out: events, commands, facts, Moment, CallRecord = fold(facts).
Touches: nothing; standard library only, and no clock.
"""
