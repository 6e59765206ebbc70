"""Prompts as files: made once, found at once, and never nothing."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.calls.prompt import Music, Phrase, Prompt, Say, Tone
from appliance.prompts.fault import PromptFault
from appliance.prompts.language import Language
from appliance.prompts.library import Prompts, PromptSettings
from appliance.prompts.voice import EspeakVoice
from tests.prompts.listening import heard, loudest, seconds, share

HELLO = Say("Good morning.", "en")
POSITION = Phrase("queue_position", "ru", (("position", "3"),))


class CountingVoice(EspeakVoice):
    """The real voice, and a list of what it was asked to say."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def speak(self, text: str, language: Language, to: Path, *, patiently: bool) -> None:
        self.said.append(text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await super().speak(text, language, to, patiently=patiently)
        finally:
            self.at_once -= 1


MUTE = EspeakVoice(espeak="no-such-espeak")
"""On a machine where nobody has installed the voice."""


def with_prompts(prompts: Prompts, story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await story()
        finally:
            await prompts.close()

    asyncio.run(whole())


def files(prompts: Prompts, *wanted: Prompt) -> tuple[str, ...]:
    async def whole() -> tuple[str, ...]:
        try:
            return await prompts.files(wanted)
        finally:
            await prompts.close()

    return asyncio.run(whole())


def test_one_file_for_each_prompt_in_order(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path))
    wanted = (Tone("busy"), HELLO, POSITION, Say("", "sq"), HELLO)
    made = files(prompts, *wanted)
    assert len(made) == 5
    assert all(Path(file).is_absolute() and len(heard(file)) for file in made)
    assert abs(loudest(heard(made[0])) - 425) < 5
    assert made[1] == made[4] != made[2]
    assert not heard(made[3]).any(), "words that are not there are a short silence, so that Played comes"


def test_what_was_made_is_found_without_starting_anything(tmp_path: Path) -> None:
    wanted = (HELLO, POSITION, Tone("ringback"))
    before = Prompts(PromptSettings(tmp_path))
    assert before.cached(wanted) is None
    made = files(before, *wanted)
    assert before.cached(wanted) == made
    after_a_restart = Prompts(PromptSettings(tmp_path), MUTE)
    assert after_a_restart.cached(wanted) == made
    assert files(after_a_restart, *wanted) == made
    assert after_a_restart.fault == ""


def test_finding_is_fast(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path))
    files(prompts, HELLO, POSITION)
    began = time.process_time()
    for _ in range(100):
        assert prompts.cached((HELLO, POSITION))
    each = (time.process_time() - began) / 100
    print(f"two prompts found in {1e6 * each:.0f} microseconds")
    assert each < 0.002


def test_other_words_language_or_value_give_another_file(tmp_path: Path) -> None:
    other = (
        HELLO,
        Say("Good evening.", "en"),
        Say("Good morning.", "sq"),
        POSITION,
        Phrase("queue_position", "ru", (("position", "4"),)),
        Phrase("queue_position", "sq", (("position", "3"),)),
    )
    made = files(Prompts(PromptSettings(tmp_path)), *other)
    assert len({heard(file).tobytes() for file in made}) == len(other)


def test_callers_who_ask_for_the_same_words_share_one_making(tmp_path: Path) -> None:
    voice = CountingVoice()
    prompts = Prompts(PromptSettings(tmp_path), voice)

    async def story() -> None:
        answers = await asyncio.gather(*(prompts.files((HELLO,)) for _ in range(20)))
        assert len(set(answers)) == 1

    with_prompts(prompts, story)
    assert voice.said == ["Good morning."]


def test_a_caller_who_hangs_up_does_not_stop_the_making_for_others(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path))

    async def story() -> None:
        hasty = asyncio.create_task(prompts.files((HELLO,)))
        patient = asyncio.create_task(prompts.files((HELLO,)))
        await asyncio.sleep(0.005)
        hasty.cancel()
        (file,) = await patient
        assert seconds(file) > 0.5

    with_prompts(prompts, story)


def test_few_voices_speak_at_once(tmp_path: Path) -> None:
    voice = CountingVoice()
    files(Prompts(PromptSettings(tmp_path), voice), *(Say(f"Number {number}.", "en") for number in range(10)))
    assert len(voice.said) == 10
    assert voice.most_at_once == 2


def test_warming_makes_prompts_before_they_are_asked_for(tmp_path: Path) -> None:
    voice = CountingVoice()
    prompts = Prompts(PromptSettings(tmp_path), voice)
    wanted = (HELLO, POSITION)

    async def story() -> None:
        prompts.warm(wanted)
        prompts.warm(wanted)
        async with asyncio.timeout(20):
            await prompts.warmed()
        assert prompts.cached(wanted) is not None

    with_prompts(prompts, story)
    assert voice.most_at_once == 1
    assert len(voice.said) == 2


def test_the_standing_prompts_are_music_sentences_and_small_numbers(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path))
    standing = prompts.standing(["ru"])
    assert Music() in standing
    assert Phrase("goodbye", "ru") in standing
    assert POSITION in standing
    assert Phrase("greeting", "ru") not in standing
    assert all(prompts.words(prompt) for prompt in standing if isinstance(prompt, Phrase))


def test_closing_ends_what_is_being_made(tmp_path: Path) -> None:
    """A voice that takes for ever, one caller waiting for it, one prompt being warmed."""
    began = tmp_path / "began"
    endless = tmp_path / "endless"
    endless.write_text(f"#!/bin/sh\necho $$ >> {began}\nexec sleep 60\n")
    endless.chmod(0o700)
    prompts = Prompts(PromptSettings(tmp_path / "cache"), EspeakVoice(espeak=str(endless)))

    async def story() -> None:
        prompts.warm([HELLO])
        asking = asyncio.create_task(prompts.files((POSITION,)))
        async with asyncio.timeout(10):
            while not began.exists() or len(began.read_text().split()) < 2:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.01)
        await prompts.close()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with_prompts(prompts, story)
    assert not any(Path("/proc", pid).exists() for pid in began.read_text().split()), "its processes are gone"
    assert not list((tmp_path / "cache").rglob(".*")), "nothing half done is left"


def test_without_a_voice_the_caller_hears_a_tone_and_the_log_says_why_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prompts = Prompts(PromptSettings(tmp_path), MUTE)

    async def story() -> None:
        with caplog.at_level(logging.WARNING, "qendra.prompts"):
            for _ in range(3):
                speech, tone = await prompts.files((HELLO, Tone("busy")))
                assert abs(loudest(heard(speech)) - 1000) < 5
                assert abs(loudest(heard(tone)) - 425) < 5
        assert "no-such-espeak is not installed" in prompts.fault
        with pytest.raises(PromptFault, match="no-such-espeak is not installed"):
            await prompts.sound(HELLO)
        assert len(await prompts.check()) == len(prompts.languages)

    with_prompts(prompts, story)
    assert len(caplog.records) == 1
    assert not list((tmp_path / "speech").iterdir()), "a fault is not kept"


def test_every_language_of_the_house_speaks_here(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path))
    assert asyncio.run(prompts.check()) == []


def test_the_fault_is_forgotten_when_it_works_again(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path))

    async def story() -> None:
        await prompts.files((Phrase("no_such_sentence", "en"),))
        assert prompts.fault == "There is no sentence “no_such_sentence” in English."
        await prompts.files((HELLO,))
        assert prompts.fault == ""

    with_prompts(prompts, story)


@pytest.mark.parametrize(
    ("prompt", "hertz"),
    [(Tone("hum"), 1000), (Phrase("greeting", "en"), 1000), (Music("polka"), 425)],
)
def test_a_prompt_that_does_not_exist_is_a_tone_too(tmp_path: Path, prompt: Prompt, hertz: int) -> None:
    prompts = Prompts(PromptSettings(tmp_path))
    (file,) = files(prompts, prompt)
    assert abs(loudest(heard(file)) - hertz) < 5
    assert prompts.cached((prompt,)) == (file,)
    assert prompts.fault


def test_an_unknown_language_is_spoken_as_the_firms_own(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path, language="sq"))
    strange, own = files(prompts, Phrase("goodbye", "xx"), Phrase("goodbye", "sq"))
    assert strange == own


def test_the_owner_moves_to_another_country(tmp_path: Path) -> None:
    prompts = Prompts(PromptSettings(tmp_path, country="AL"))
    (albanian,) = files(prompts, Tone("busy"))
    prompts.use("ru", "RU")
    (russian,) = files(prompts, Tone("busy"))
    assert (seconds(albanian), seconds(russian)) == (1.0, 0.7)
    with pytest.raises(PromptFault, match="does not speak “de”; it speaks en, ru, sq"):
        prompts.use("de", "DE")


def test_the_music_is_made_once(tmp_path: Path) -> None:
    (first,) = files(Prompts(PromptSettings(tmp_path)), Music())
    made = Path(first).stat().st_mtime_ns
    assert seconds(first) == 60
    assert share(heard(first), 100, 3400) > 0.99
    (again,) = files(Prompts(PromptSettings(tmp_path)), Music())
    assert again == first
    assert Path(again).stat().st_size == 44 + 2 * 60 * 8000
    assert made <= Path(again).stat().st_mtime_ns


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PromptFault, match=r"The folder for spoken prompts cannot be used: .*file"):
        Prompts(PromptSettings(tmp_path / "file"))


def test_a_full_disk_is_a_tone_not_a_crash(small_disk: Path) -> None:
    prompts = Prompts(PromptSettings(small_disk / "prompts"))
    fill(small_disk)
    (file,) = files(prompts, HELLO)
    assert abs(loudest(heard(file)) - 1000) < 5
    assert prompts.fault


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, full soon."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)
