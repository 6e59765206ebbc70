"""`python -m appliance.edge`: the edge as a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from appliance.edge.process import main
from appliance.edge.settings import Settings


def _settings() -> Settings:
    parser = argparse.ArgumentParser(prog="appliance.edge", description="Qendra's SIP front door.")
    parser.add_argument("--bind", action="append", help="address telephones reach us at; may be said several times")
    parser.add_argument("--sip-port", type=int, default=5060, help="UDP, TCP and WebSocket")
    parser.add_argument("--tls-port", type=int, default=5061, help="TLS, and WebSocket within TLS")
    parser.add_argument("--engine-port", type=int, default=5070, help="the engine's port on loopback")
    parser.add_argument("--inside-port", type=int, default=5071, help="our port on loopback, for the engine")
    parser.add_argument("--sound-ports", default="10000-10999", help="of the engine, to name them to the owner")
    parser.add_argument("--run", type=Path, required=True, help="folder of the seam sockets")
    parser.add_argument("--state", type=Path, required=True, help="folder of secret, bindings and accounts")
    parser.add_argument("--authorities", type=Path, help="certificates to trust providers by, besides the system's")
    parser.add_argument("--name-server", action="append", default=[], help="ADDRESS:PORT, instead of the system's")
    words = vars(parser.parse_args())
    binds, name_servers = tuple(words.pop("bind") or ["127.0.0.1"]), tuple(words.pop("name_server"))
    return Settings(bind=binds, name_servers=name_servers, **words)


if __name__ == "__main__":
    sys.exit(main(_settings()))
