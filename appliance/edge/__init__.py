"""The SIP front door: registrar, and an authenticating, record-routing, stateless proxy.

In: SIP from telephones (UDP, TCP, TLS, WebSocket), from providers and from the engine (loopback); `EDGE_HEARS` from the
desk; answers of the DNS, which nobody waits for.
Out: the same SIP, each message to whom it belongs; our own registrations with providers; NOTIFYs for lamps; `EDGE_SAYS`.
Touches: the SIP sockets, the name servers, `edge.sock` in the run directory, and in the state directory what has to
outlive it: secret, bindings, accounts, subscriptions, bans, names, certificates, the way in from outside.
"""
