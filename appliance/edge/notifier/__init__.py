"""Lamps on desk phones: who watches whom, and what they are shown (RFC 6665).

In: SUBSCRIBE of telephones that have proved who they are, their answers, `Lamp` and `Mailbox` from the desk, the time.
Out: answers and NOTIFYs, one on its way per subscription at a time, with whatever is true when it leaves.
Touches: nothing; the edge's driver keeps the subscriptions in a file.
"""
