"""What telephones get to read: well-formed whatever stands in it, and such that desk phones light their keys."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.edge import Lamp, LampState
from appliance.calls.names import Extension
from appliance.edge.notifier import bodies
from tests.edge.notifier.watching import DIALOG_NS, PIDF_NS

ENTITY = b"sip:102@192.168.1.1"


def dialog(state: LampState) -> ET.Element:
    return ET.fromstring(bodies.dialog_info(Lamp(Extension("102"), state), ENTITY, 3))


@pytest.mark.parametrize(
    ("state", "shown", "direction"),
    [(LampState.OFF, "terminated", None), (LampState.RINGING, "early", "recipient"),
     (LampState.ON, "confirmed", "recipient")],
)  # fmt: skip
def test_the_busy_lamp(state: LampState, shown: str, direction: str | None) -> None:
    root = dialog(state)
    assert root.tag == DIALOG_NS + "dialog-info"
    assert dict(root.attrib) == {"version": "3", "state": "full", "entity": "sip:102@192.168.1.1"}
    (one,) = root
    assert (one.get("id"), one.get("direction")) == ("102", direction)
    assert one.findtext(DIALOG_NS + "state") == shown
    assert one.findtext(f"{DIALOG_NS}local/{DIALOG_NS}identity") == "sip:102@192.168.1.1"
    target = one.find(f"{DIALOG_NS}local/{DIALOG_NS}target")
    assert target is not None
    assert target.get("uri") == "sip:102@192.168.1.1"
    assert one.get("call-id") is None, "a telephone would send Replaces to it"


def test_the_dialog_keeps_its_id() -> None:
    """Else a key stays lit for the one that was never said to have ended."""
    assert {dialog(state)[0].get("id") for state in LampState} == {"102"}


def test_presence() -> None:
    lamp = Lamp(Extension("102"), LampState.ON, "paused: lunch", open=False)
    root = ET.fromstring(bodies.presence(lamp, ENTITY))
    assert [each.tag.rpartition("}")[2] for each in root] == ["tuple", "note", "person"], "in the order of the schema"
    assert root.get("entity") == "sip:102@192.168.1.1"
    assert root.findtext(f"{PIDF_NS}tuple/{PIDF_NS}status/{PIDF_NS}basic") == "closed"
    assert root.findtext(f"{PIDF_NS}note") == "paused: lunch"
    assert root.find(".//{urn:ietf:params:xml:ns:pidf:rpid}busy") is not None


def test_nothing_to_say_is_no_note() -> None:
    root = ET.fromstring(bodies.presence(Lamp(Extension("102"), LampState.OFF), ENTITY))
    assert root.find(f"{PIDF_NS}note") is None
    assert root.find(".//{urn:ietf:params:xml:ns:pidf:rpid}busy") is None


@given(st.text(), st.binary(), st.sampled_from(LampState))
def test_nothing_breaks_the_xml(words: str, entity: bytes, state: LampState) -> None:
    lamp = Lamp(Extension(words), state, words)
    ET.fromstring(bodies.dialog_info(lamp, entity, 0))
    root = ET.fromstring(bodies.presence(lamp, entity))
    assert (root.findtext(f"{PIDF_NS}note") or "").isprintable()


def test_markup_in_a_note_is_text() -> None:
    lamp = Lamp(Extension("102"), LampState.OFF, '<b a="1">&amp;]]></b>\x00\x1b\r\nВика')
    root = ET.fromstring(bodies.presence(lamp, b'sip:"<&>@x'))
    assert root.findtext(f"{PIDF_NS}note") == '<b a="1">&amp;]]></b>    Вика'
    assert root.get("entity") == 'sip:"<&>@x'


def test_a_long_note_is_cut() -> None:
    lamp = Lamp(Extension("102"), LampState.OFF, "<" * 1000)
    assert ET.fromstring(bodies.presence(lamp, ENTITY)).findtext(f"{PIDF_NS}note") == "<" * 80
