"""Real telephones with lamps: sipp and baresip watch an edge that runs, and tshark reads along."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.edge import Lamp, LampState, Mailbox
from appliance.calls.names import Extension
from tests.edge.running import LOOPBACK, Running, failed_calls, free_port

pytestmark = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp (package sip-tester) is not installed")

BARESIP = """\
poll_method epoll
sip_listen {host}:{port}
module_path /usr/lib/baresip/modules
module g711.so
module_app account.so
module_app contact.so
module_app presence.so
module_app mwi.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
"""


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, ("101", "102", "103"))
    running.start()
    yield running
    running.stop()
    text = running.log.read_text()
    assert "Traceback" not in text, text


def show(edge: Running, state: LampState, note: str = "", *, reachable: bool = True) -> None:
    assert edge.desk is not None
    edge.desk.say(Lamp(Extension("102"), state, note, reachable))


def eventually(log: Path, words: str, seconds: float = 10.0) -> str:
    """The log once these words stand in it."""
    end = time.monotonic() + seconds
    while words not in (text := log.read_text(errors="replace")):
        assert time.monotonic() < end, f"not said: {words}\n{text}"
        time.sleep(0.05)
    return text


@pytest.mark.parametrize("tcp", [False, True])
def test_sipp_watches_a_lamp_from_first_to_last(edge: Running, tcp: bool) -> None:
    show(edge, LampState.OFF)
    messages = edge.folder / "messages"
    watching = edge.sipp_beside(
        "watch", "-s", "102", "-trace_msg", "-message_file", str(messages), people=[("101", "pw101")], tcp=tcp
    )
    eventually_notified(messages)
    show(edge, LampState.ON)
    output, _ = watching.communicate(timeout=30)
    assert (watching.returncode, failed_calls(output)) == (0, 0), output


def eventually_notified(messages: Path) -> None:
    end = time.monotonic() + 15
    while not messages.exists() or "NOTIFY" not in messages.read_text():
        assert time.monotonic() < end, "no NOTIFY came"
        time.sleep(0.05)


@pytest.mark.skipif(not all(map(shutil.which, ("baresip", "tshark"))), reason="baresip or tshark is not installed")
def test_baresip_sees_presence_and_messages_and_tshark_finds_nothing_malformed(edge: Running, tmp_path: Path) -> None:
    folder = tmp_path / "phone"
    folder.mkdir()
    box = f"{LOOPBACK}:{edge.sip}"
    port, control = free_port(), free_port()
    (folder / "config").write_text(BARESIP.format(host=LOOPBACK, port=port, control=control))
    (folder / "accounts").write_text(f"<sip:101@{box}>;auth_pass=pw101;regint=0\n")
    (folder / "contacts").write_text(f'"Ben" <sip:102@{box}>;presence=p2p\n')
    assert edge.desk is not None
    show(edge, LampState.OFF, "ready")
    edge.desk.say(Mailbox(Extension("101"), 3, 1))
    capture, log = tmp_path / "lamps.pcap", tmp_path / "phone.log"
    with (tmp_path / "tshark.log").open("w") as words:
        command = ["tshark", "-q", "-i", "lo", "-f", f"udp port {port}", "-w", str(capture)]
        sniffing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=words)
    try:
        eventually(tmp_path / "tshark.log", "Capturing on")
        with log.open("w") as words:
            phone = subprocess.Popen(
                ["stdbuf", "-oL", "baresip", "-4", "-s", "-f", str(folder)], stdout=words, stderr=words
            )
        try:
            eventually(log, "baresip is ready")
            # Only now: an answer that comes while this baresip is starting sends its mwi module into an endless loop.
            with socket.create_connection((LOOPBACK, control), 5) as person:
                account = f"<sip:101@{box}>;auth_pass=pw101;regint=60;mwi=yes"
                order = json.dumps({"command": "uanew", "params": account}).encode()
                person.sendall(b"%d:%b," % (len(order), order))
                eventually(log, "Voice-Message: 3/1")
            eventually(log, "<basic>open</basic>")
            show(edge, LampState.ON, "on a call", reachable=False)
            eventually(log, f"<sip:102@{box}> changed status from")
            edge.desk.say(Mailbox(Extension("101"), 0, 4))
            eventually(log, "Voice-Message: 0/4")
            time.sleep(0.3)
        finally:
            phone.kill()  # it may be in a loop that hears no signal
            phone.wait(10)
    finally:
        time.sleep(0.3)
        sniffing.terminate()
        sniffing.wait(10)
    as_sip = ["tshark", "-r", str(capture), "-d", f"udp.port=={edge.sip},sip"]
    notifies = subprocess.run([*as_sip, "-Y", 'sip.Method == "NOTIFY"'], capture_output=True, text=True, check=True)
    assert len(notifies.stdout.splitlines()) >= 4, notifies
    bad = subprocess.run(
        [*as_sip, "-Y", "_ws.malformed || _ws.expert.severity == error"], capture_output=True, text=True, check=True
    )
    assert bad.stdout == ""
    xml = subprocess.run([*as_sip, "-Y", "xml.tag"], capture_output=True, text=True, check=True)
    assert xml.stdout, "the bodies are read as XML"


def test_lamps_outlive_the_edge_killed_in_mid_watch(edge: Running) -> None:
    show(edge, LampState.OFF)
    messages = edge.folder / "messages"
    watching = edge.sipp_beside(
        "watch", "-s", "102", "-trace_msg", "-message_file", str(messages), people=[("101", "pw101")]
    )
    eventually_notified(messages)
    kept = edge.state / "subscriptions.json"
    end = time.monotonic() + 10
    while not kept.exists() or '"watched": "102"' not in kept.read_text():
        assert time.monotonic() < end, "the subscription is not kept"
        time.sleep(0.05)
    assert kept.stat().st_mode & 0o777 == 0o600
    edge.stop(kill=True)
    edge.start()
    show(edge, LampState.ON)
    output, _ = watching.communicate(timeout=30)
    assert (watching.returncode, failed_calls(output)) == (0, 0), output
