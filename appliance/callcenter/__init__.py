"""Who answers: queues, operators, the missed-call ledger, and the arithmetic of waiting.

In: callers who wait, operators who come and go, answers and refusals.  Out: whom to ring for whom, facts.
Touches: nothing; time is an argument.
"""
