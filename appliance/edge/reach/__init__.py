"""The way in from outside the firm's network: where the public name leads, and whether anybody can come in by it.

In: `Outside` and `CheckReach` from the desk, what the DNS has said, where providers see us, who comes from outside, the time.
Out: the public address for what telephones outside are told; `Reached` to the desk; knocks at our own door from the street.
Touches: nothing.
"""
