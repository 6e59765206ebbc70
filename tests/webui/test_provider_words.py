"""What the edge says of a provider, in every language."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask_babel import force_locale

from appliance.edge.flows import Flow
from appliance.edge.trunks.words import refusing, silent, unconnected
from tests.webui import catalogs
from webui.heard import heard

FIRST, SECOND = Flow("udp", "192.0.2.1", 5060), Flow("udp", "2001:db8::1", 5070)
SENTENCES = (
    "registering with 192.0.2.1",
    "registered with 192.0.2.1",
    f"registered with [2001:db8::1]:5070; {silent(FIRST)}",
    "asking 192.0.2.1",
    f"192.0.2.1 answers; {refusing(SECOND, 503)}",
    f"calls go to 192.0.2.1; {unconnected(SECOND, 'takes no connections')}",
    f"{silent(FIRST)}, trying [2001:db8::1]:5070",
    unconnected(FIRST, ""),
    f"{unconnected(FIRST, 'has a certificate that does not name 192.0.2.9')}, trying 192.0.2.2",
    "looking for 192.0.2.1",
    "there is no 192.0.2.1 in the DNS",
    "nobody can say where 192.0.2.1 is: the name servers (DNS) do not answer",
    "the provider wants a password, and none has been entered",
    "the provider refuses our name or password (403)",
    "the provider does not know our name (404)",
    "the provider refuses to register us (500)",
)


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("language", catalogs.LANGUAGES)
@pytest.mark.parametrize("words", SENTENCES)
def test_whatever_is_said_of_a_provider_is_translated_whole(app: Flask, language: str, words: str) -> None:
    with app.test_request_context(), force_locale(language):
        said = heard(words)
    assert said != words
    place = r"192\.0\.2\.\d|\[2001:db8::1\]:5070"
    assert sorted(re.findall(place, said)) == sorted(re.findall(place, words)), "figures and names stay"
    for left in ("answer ", "trying", "which", "registered", "connection", "cannot"):
        assert left not in said, said
    if language == "ru":
        assert not re.findall(r"[A-Za-z]{4,}", said), said
