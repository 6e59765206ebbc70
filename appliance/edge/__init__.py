"""The SIP front door: registrar, and an authenticating, record-routing, stateless proxy.

In: SIP from telephones (UDP, TCP, TLS, WebSocket) and from the engine (loopback), `Accounts` from the desk.
Out: the same SIP, each message to whom it belongs; `Registered` and `Refused` to the desk.
Touches: the SIP sockets, `edge.sock` in the run directory, secret, bindings and accounts in the state directory.
"""
