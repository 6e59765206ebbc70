"""sipp as Debian has it: the blunt tool, for those who are no telephone of ours, and for messages nobody should send."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from tests.journeys.processes import LOOPBACK, Program, free_ports

INVITE = """
  <send retrans="500"><![CDATA[
    INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: "Nobody" <sip:{who}@[local_ip]:[local_port]>;tag=[pid]SIPpTag[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: {number} INVITE
    Contact: <sip:{who}@[local_ip]:[local_port]>
    Max-Forwards: 70{proof}
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=nobody 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [local_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0
    a=rtpmap:0 PCMU/8000

  ]]></send>"""
ACK = """
  <send><![CDATA[
    ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    CSeq: {number} ACK
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>"""

SUBSCRIBE = """
  <send retrans="500"><![CDATA[
    SUBSCRIBE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
    From: <sip:{who}@[remote_ip]>;tag=[pid]SIPpTag[call_number]
    To: <sip:[service]@[remote_ip]>
    Call-ID: [call_id]
    CSeq: {number} SUBSCRIBE
    Contact: <sip:{who}@[local_ip]:[local_port]>
    Max-Forwards: 70{proof}
    Event: dialog
    Accept: application/dialog-info+xml
    Expires: 600
    Content-Length: 0

  ]]></send>"""
NOTIFIED = """
  <label id="1"/>
  <recv request="NOTIFY" timeout="60000">
    <action>
      <ereg regexp="state>([a-z]+)" search_in="body" check_it="true" assign_to="whole,state"/>
      <exec command="echo [$state] >> {states}"/>
    </action>
  </recv>
  <send next="1"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
  <Reference variables="whole"/>"""


def _scenario(*steps: str) -> str:
    return '<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="journey">' + "".join(steps) + "\n</scenario>\n"


def _refused(status: int, number: int, *, auth: bool = False) -> str:
    more = ' auth="true"' if auth else ""
    return f'\n  <recv response="100" optional="true"/>\n  <recv response="{status}"{more}/>' + ACK.format(
        number=number
    )


def call_as_a_stranger(status: int) -> str:
    """Somebody without an account calls, and gives up at this answer."""
    return _scenario(INVITE.format(who="stranger", number=1, proof=""), _refused(status, 1))


def call_with_a_password(who: str, password: str, status: int) -> str:
    """Somebody calls, proves who they are, and is told this."""
    proof = f"\n    [authentication username={who} password={password}]"
    return _scenario(
        INVITE.format(who=who, number=1, proof=""),
        _refused(407, 1, auth=True),
        INVITE.format(who=who, number=2, proof=proof),
        _refused(status, 2),
    )


def a_key_that_watches(who: str, password: str, states: Path) -> str:
    """A telephone with a lamp for whoever is dialled; it writes down every state, a line each, until it is ended."""
    proof = f"\n    [authentication username={who} password={password}]"
    return _scenario(
        SUBSCRIBE.format(who=who, number=1, proof=""),
        '\n  <recv response="407" auth="true"/>',
        SUBSCRIBE.format(who=who, number=2, proof=proof),
        '\n  <recv response="200"/>',
        NOTIFIED.format(states=states),
    )


def play(
    scenario: str, folder: Path, box: tuple[str, int], dialled: str, *, transport: str = "u1", times: int = 1
) -> None:
    """Play a scenario; every answer has to be the one it expects."""
    sipp = begin(scenario, folder, box, dialled, "-m", str(times), "-t", transport, "-timeout", "15", "-timeout_error")
    try:
        status = sipp.wait(20.0)
        errors = (folder / "errors").read_text() if (folder / "errors").exists() else ""
        assert status == 0, f"sipp ended with {status}: {errors}\n{sipp.words[-2000:]}"
    finally:
        sipp.end()


def begin(scenario: str, folder: Path, box: tuple[str, int], dialled: str, *more: str) -> Program:
    """Begin to play it, once."""
    program = shutil.which("sipp")
    assert program, "sipp is missing: apt-get install sip-tester"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.xml").write_text(scenario, encoding="ascii")
    port = free_ports(4)
    arguments: list[str | Path] = [program, "-sf", folder / "scenario.xml", "-s", dialled, f"{box[0]}:{box[1]}"]
    arguments += ["-i", LOOPBACK, "-p", str(port), "-mp", str(port + 2), "-m", "1", "-nostdin", *more]
    arguments += ["-trace_err", "-error_file", folder / "errors"]
    return Program("sipp", arguments, folder / "sipp.log")


def send_raw(box: tuple[str, int], data: bytes) -> None:
    """One datagram, whatever it holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, box)


def pour_raw(box: tuple[str, int], data: bytes) -> bytes:
    """A TCP connection that begins so; what is answered until it is closed, or for a while."""
    with socket.create_connection(box, timeout=0.2) as stream:
        try:
            stream.sendall(data)
            return stream.recv(65536)
        except (TimeoutError, ConnectionError):
            return b""
