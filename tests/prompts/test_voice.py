"""Words become sound fit for a telephone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.prompts.fault import PromptFault
from appliance.prompts.language import languages
from appliance.prompts.voice import LONGEST, EspeakVoice, can_be_spoken, clean
from tests.prompts.listening import Samples, heard, level, peak, seconds, share

SPOKEN = languages()


def speak(text: str, code: str, to: Path) -> Samples:
    asyncio.run(EspeakVoice().speak(text, SPOKEN[code], to, patiently=False))
    return heard(to)


@pytest.mark.parametrize("code", SPOKEN)
@pytest.mark.parametrize("name", ["all_busy", "goodbye", "closed"])
def test_a_sentence_sounds_as_a_telephone_wants_it(tmp_path: Path, code: str, name: str) -> None:
    words = SPOKEN[code].sentence(name, {})
    samples = speak(words, code, tmp_path / "speech.wav")
    assert -19.5 < level(samples) < -17
    assert peak(samples) <= -2.9
    assert share(samples, 280, 3450) > 0.98
    # People speak 10 to 25 letters a second; a voice that does not know the script spells it and takes far longer.
    assert 10 < len(words) / (len(samples) / 8000) < 25


@pytest.mark.parametrize("code", SPOKEN)
def test_it_begins_and_ends_at_once(tmp_path: Path, code: str) -> None:
    samples = speak(SPOKEN[code].sentence("please_wait", {}), code, tmp_path / "speech.wav")
    assert level(samples[: int(0.15 * 8000)]) > -45
    assert level(samples[-int(0.30 * 8000) :]) > -45


def test_each_language_has_a_voice_of_its_own(tmp_path: Path) -> None:
    said = [speak("101, taxi, Agron.", code, tmp_path / f"{code}.wav").tobytes() for code in SPOKEN]
    assert len(set(said)) == len(said)


def test_the_same_words_give_the_same_file(tmp_path: Path) -> None:
    once = speak("Mirupafshim.", "sq", tmp_path / "once.wav")
    again = speak("Mirupafshim.", "sq", tmp_path / "again.wav")
    assert once.tobytes() == again.tobytes()


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    speak("Goodbye.", "en", tmp_path / "speech.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


def test_words_cannot_become_commands(tmp_path: Path) -> None:
    """Options, shell, phonemes and markup are words like others; only espeak's own brackets are taken away."""
    text = clean("--version; $(touch hacked) `id` | cat > x <break time='9s'/> [[h@l'oU]]")
    assert "[[" not in text
    speak(text, "en", tmp_path / "speech.wav")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["speech.wav"]
    assert seconds(tmp_path / "speech.wav") > 5


def test_text_is_made_one_clean_line() -> None:
    assert (
        clean("  Good\tmorning,\r\n\x00\x1b[2J dear\u00adest \u202ecaller\ud800 ") == "Good morning, [2J dearest caller"
    )


def test_text_is_limited_at_a_word() -> None:
    long = clean("miso " * 10_000)
    assert len(long) <= LONGEST
    assert long.endswith("miso")
    assert len(clean("x" * 10_000)) == LONGEST


def test_the_longest_text_is_spoken_whole(tmp_path: Path) -> None:
    text = clean(SPOKEN["ru"].sentence("closed", {}) * 100)
    speak(text, "ru", tmp_path / "speech.wav")
    assert 80 < seconds(tmp_path / "speech.wav") < 300


@pytest.mark.parametrize(("text", "can"), [("", False), (" … !?", False), ("a", True), ("ж", True), ("7", True)])
def test_what_can_be_spoken(text: str, can: bool) -> None:
    assert can_be_spoken(text) == can


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        (EspeakVoice(espeak="no-such-espeak"), "The program no-such-espeak is not installed"),
        (EspeakVoice(sox="no-such-sox"), "The program no-such-sox is not installed"),
        (EspeakVoice(espeak="false"), "The program false failed: it does not say why"),
        (EspeakVoice(espeak="true"), "Nothing in these words can be spoken in English: “Goodbye.”"),
        (EspeakVoice(sox="false"), "The program false failed"),
        (EspeakVoice(sox="true"), "nothing but silence"),
    ],
)
def test_a_voice_that_fails_says_so_in_plain_words(tmp_path: Path, voice: EspeakVoice, said: str) -> None:
    with pytest.raises(PromptFault, match=said):
        asyncio.run(voice.speak("Goodbye.", SPOKEN["en"], tmp_path / "speech.wav", patiently=False))
    assert not list(tmp_path.iterdir())


def test_an_unknown_voice_is_a_fault_in_espeaks_own_words(tmp_path: Path) -> None:
    klingon = replace(SPOKEN["en"], voice="zz")
    with pytest.raises(PromptFault, match=r"espeak-ng failed: .*voice"):
        asyncio.run(EspeakVoice().speak("Goodbye.", klingon, tmp_path / "speech.wav", patiently=False))


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text("#!/bin/sh\necho $$ > " + str(tmp_path / "pid") + "\nexec sleep 60\n")
    hanging.chmod(0o700)
    monkeypatch.setattr("appliance.prompts.programs.SECONDS", 0.3)
    with pytest.raises(PromptFault, match=r"did not finish within 0\.3 seconds"):
        asyncio.run(EspeakVoice(espeak=str(hanging)).speak("x", SPOKEN["en"], tmp_path / "s.wav", patiently=True))
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
