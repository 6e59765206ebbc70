"""Providers: finding their servers, registering there, calls out and in, noticing when one is silent. No I/O.

In: `Trunks` from the desk; answers and calls of the providers, calls of the engine, answers of the DNS; time and dice.
Out: SIP to the providers and to the engine, `Open` and `LookUp` for the driver, `TrunkIs` to the desk.
Touches: nothing.
"""
