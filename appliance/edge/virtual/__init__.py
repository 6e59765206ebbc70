"""Desk telephones in software: for the demo, for rehearsals, for tests of the whole path.

In: what a person does with a telephone, SIP and RTP from the box.  Out: SIP and RTP, and what the person hears.
Touches: UDP sockets of its own. It knows the box only as any telephone does.
"""
