"""Kamailio from Debian, doing an edge's work with the same users: registrar with digest, record-routing proxy to one
place. What it is set to is what its own default configuration does, less what an edge has no part in.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.edge.running import LOOPBACK, ask, bound, free_port, probe

PROGRAM = "kamailio"
_MODULES = "tm sl rr pv maxfwd usrloc registrar textops siputils auth htable sanity"


class NoPeer(Exception):
    """Kamailio is not to be had; says why."""


@contextlib.contextmanager
def kamailio(folder: Path, realm: str, hashes: Mapping[str, str], engine: int) -> Iterator[tuple[int, int]]:
    """Its process and its SIP port on loopback. One worker for UDP, as one core deserves.

    Raises:
        NoPeer: it is not installed, or does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "kamailio.cfg"
    config.write_text(_config(port, engine, realm, hashes))
    log = folder / "kamailio.log"
    command = [PROGRAM, "-f", str(config), "-DD", "-E", "-m", "512", "-M", "64", "-w", str(folder), "-Y", str(folder)]
    try:
        with log.open("ab") as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    except FileNotFoundError as error:
        raise NoPeer("Kamailio is not installed; `./qendra test` brings it.") from error
    try:
        end = time.monotonic() + 15
        while not (bound(port) and b"401" in ask(port, probe(next(iter(hashes))))):
            if process.poll() is not None or time.monotonic() > end:
                raise NoPeer(f"Kamailio does not come up: {log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.05)
        yield process.pid, port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _config(port: int, engine: int, realm: str, hashes: Mapping[str, str]) -> str:
    modules = "\n".join(f'loadmodule "{name}.so"' for name in _MODULES.split())
    users = "\n".join(f'  $sht(ha1=>{who}) = "{md5}";' for who, md5 in hashes.items())
    return f"""
debug=-1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:{LOOPBACK}:{port}
{modules}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_contacts", 8)
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", 600)
modparam("htable", "htable", "ha1=>size=13;")

request_route {{
  force_rport();
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (!sanity_check("17895", "7")) exit;
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("{realm}", "$sht(ha1=>$au)", "1")) {{ www_challenge("{realm}", "1"); exit; }}
    save("location");
    exit;
  }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("481", "Call/Transaction Does Not Exist");
    exit;
  }}
  if (is_method("INVITE")) {{
    if (!pv_proxy_authenticate("{realm}", "$sht(ha1=>$au)", "1")) {{ proxy_challenge("{realm}", "1"); exit; }}
    consume_credentials();
    record_route();
    $du = "sip:{LOOPBACK}:{engine}";
    t_relay();
    exit;
  }}
  sl_send_reply("405", "Method Not Allowed");
}}

event_route[htable:mod-init] {{
{users}
}}
"""
