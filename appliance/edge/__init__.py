"""The SIP front door: registrar, and an authenticating, record-routing, stateless proxy.

In: SIP from telephones and providers (UDP, TCP, TLS, WebSocket) and from the engine (loopback); `EDGE_HEARS` from the desk.
Out: the same SIP, each message to whom it belongs, and NOTIFYs for lamps; `EDGE_SAYS` to the desk.
Touches: the SIP sockets, the DNS, `edge.sock` in the run directory; in the state directory a secret, certificates, and what
is to outlive a restart: bindings, accounts, bans, subscriptions, names, the way in from outside.
"""
