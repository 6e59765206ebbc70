"""Every prompt as a sound file: what has been made before at once, the rest made on the spot.

The caller always hears something: when a prompt cannot be made, the fault is logged in plain words and kept for the page,
and a tone takes its place.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.calls.prompt import Music, Phrase, Prompt, Say, Tone
from appliance.prompts import music, tones
from appliance.prompts.cache import SoundCache
from appliance.prompts.fault import PromptFault
from appliance.prompts.language import PHRASES, Language, languages, placeholders
from appliance.prompts.programs import run
from appliance.prompts.sound import write_wav
from appliance.prompts.voice import EspeakVoice, Voice, can_be_spoken, clean

Slow = Say | Phrase | Music
"""What takes time to make; tones are there from the start."""

log = logging.getLogger("qendra.prompts")

AT_ONCE = 2
"""Prompts made at the same time; a small board has four cores and other things to do."""

COUNTED_AHEAD = range(1, 16)
"""Numbers whose sentences are made before somebody waits for them."""


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """Where made sound is kept, and what is used when a prompt leaves it open."""

    folder: Path
    """The cache; anything in it may be thrown away."""
    language: str = "en"
    """For a prompt in a language that the house does not have."""
    country: str = "AL"
    """Whose telephone tones are played; two letters."""
    speech_bytes: int = 200 << 20
    """Room for spoken prompts; about three and a half hours."""
    phrases: Path = PHRASES


class Prompts:
    """The prompts room. For one event loop; a page may have its own over the same folder."""

    def __init__(self, settings: PromptSettings, voice: Voice | None = None) -> None:
        """Read the languages, take stock of the folder, make the tones.

        Raises:
            PromptFault: a language file is wrong, or the folder cannot be used.
        """
        self.languages = languages(settings.phrases)
        """What the house speaks, by code."""
        self.fault = ""
        """Why the last prompt could not be made, in plain words; empty when it could."""
        self._voice = voice or EspeakVoice()
        self._under_way: dict[str, asyncio.Task[Path]] = {}
        self._warming: set[asyncio.Task[None]] = set()
        self._one_by_one = asyncio.Lock()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._folder = settings.folder.absolute()
        try:
            self._speech = SoundCache(self._folder / "speech", settings.speech_bytes)
            self._made = SoundCache(self._folder / "made", sys.maxsize)
        except OSError as error:
            raise PromptFault(f"The folder for spoken prompts cannot be used: {error}") from error
        self.use(settings.language, settings.country)

    def use(self, language: str, country: str) -> None:
        """From now on speak `language` where a prompt's own is unknown, and play the tones of `country`.

        Raises:
            PromptFault: the house does not have the language, or the tones cannot be written.
        """
        if language not in self.languages:
            raise PromptFault(f"The box does not speak “{language}”; it speaks {', '.join(self.languages)}.")
        self._language, self._country = language, country
        self._tones = {name: self._tone(cadence) for name, cadence in tones.of(country).items()}

    def cached(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...] | None:
        """What `files` would return, if nothing has to be made for it; does not wait."""
        found = []
        for prompt in prompts:
            try:
                path = self._ready(prompt)
            except PromptFault as fault:
                self._note(fault)
                path = self._instead_of(prompt)
            if path is None:
                return None
            found.append(str(path))
        return tuple(found)

    async def files(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...]:
        """Absolute paths of 8 kHz mono 16-bit WAV files, one for each prompt, in order. Never raises."""
        return tuple(await asyncio.gather(*(self._heard(prompt) for prompt in prompts)))

    async def sound(self, prompt: Prompt, *, patiently: bool = False) -> Path:
        """One prompt as a file. Whoever asks for the same while it is being made gets the same.

        Raises:
            PromptFault: it could not be made.
        """
        path = self._ready(prompt)
        if path is not None:
            return path
        # A caller who hangs up meanwhile cancels the asking, not the making.
        assert not isinstance(prompt, Tone)
        return await asyncio.shield(self._making(prompt, patiently=patiently))

    def warm(self, prompts: Iterable[Prompt]) -> None:
        """Have these made in the background, one at a time, when the box has nothing better to do."""
        task = asyncio.get_running_loop().create_task(self._make_all(tuple(prompts)))
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)

    async def warmed(self) -> None:
        """Wait until everything `warm` was asked for has been made, or has failed."""
        await asyncio.gather(*self._warming)

    def standing(self, codes: Iterable[str]) -> tuple[Prompt, ...]:
        """The prompts callers will surely need in these languages, for `warm`: music, sentences, small numbers."""
        prompts: list[Prompt] = [Music()]
        for code in codes:
            for name, template in self._language_of(code).sentences.items():
                match list(placeholders(template).items()):
                    case []:
                        prompts.append(Phrase(name, code))
                    case [("position" | "minutes" as value, _)]:
                        prompts += [Phrase(name, code, ((value, str(number)),)) for number in COUNTED_AHEAD]
        return tuple(prompts)

    async def check(self) -> list[str]:
        """Speak a word in every language, and say in plain words what does not work; for the self-test."""
        faults = []
        for language in self.languages.values():
            try:
                with TemporaryDirectory(dir=self._folder) as folder:
                    await self._voice.speak(language.name, language, Path(folder, "word.wav"), patiently=False)
            except (PromptFault, OSError) as fault:
                faults.append(f"{language.name}: {fault}")
        return faults

    async def close(self) -> None:
        """Stop what is being made; programs that were started are ended."""
        tasks = [*self._warming, *self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def words(self, prompt: Say | Phrase) -> str:
        """What is said, as text, for pages that show it.

        Raises:
            PromptFault: no such sentence, or a value is missing.
        """
        match prompt:
            case Say(text=text):
                return clean(text)
            case Phrase(name=name, language=code, values=values):
                return clean(self._language_of(code).sentence(name, dict(values)))

    # ---- finding

    def _ready(self, prompt: Prompt) -> Path | None:
        match prompt:
            case Tone(name=name):
                if name not in self._tones:
                    raise PromptFault(f"There is no tone “{name}”.")
                return self._tones[name]
            case Say() | Phrase() if not can_be_spoken(self.words(prompt)):
                return self._tones["silence"]
            case _:
                shelf, file = self._place(prompt)
                return shelf.find(file)

    def _place(self, prompt: Slow) -> tuple[SoundCache, str]:
        """Where the file of this prompt is, or will be."""
        match prompt:
            case Music(name="calm"):
                return self._made, f"music-calm-{music.VERSION}.wav"
            case Music(name=name):
                raise PromptFault(f"There is no music “{name}”.")
            case Say() | Phrase():
                recipe = self._voice.recipe(self._language_of(prompt.language))
                return self._speech, _digest(f"{recipe}\n{self.words(prompt)}") + ".wav"

    def _language_of(self, code: str) -> Language:
        return self.languages.get(code) or self.languages[self._language]

    def _instead_of(self, prompt: Prompt) -> Path:
        """Music loops, and a beep for ever would drive a caller away; the ringing tone says the same: please wait."""
        return self._tones["ringback" if isinstance(prompt, Music) else "beep"]

    # ---- making

    def _tone(self, cadence: tones.Cadence) -> Path:
        """Some milliseconds of work, when it is not there yet."""
        file = f"tone-{_digest(repr((tones.VERSION, cadence)))}.wav"
        try:
            if self._made.find(file) is None:
                with self._made.making(file) as unfinished:
                    write_wav(unfinished, tones.render(cadence))
        except OSError as error:
            raise PromptFault(f"The folder for spoken prompts cannot be written: {error}") from error
        return self._made.path(file)

    async def _heard(self, prompt: Prompt) -> str:
        try:
            return str(await self.sound(prompt))
        except PromptFault as fault:
            self._note(fault)
            return str(self._instead_of(prompt))

    def _making(self, prompt: Slow, *, patiently: bool) -> asyncio.Task[Path]:
        """The making of this prompt: the one under way, or a new one."""
        shelf, file = self._place(prompt)
        task = self._under_way.get(file)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._make(prompt, shelf, file, patiently=patiently))
            self._under_way[file] = task
            task.add_done_callback(lambda done: self._over(file, done))
        return task

    def _over(self, file: str, task: asyncio.Task[Path]) -> None:
        del self._under_way[file]
        if not task.cancelled() and task.exception() is None:
            self.fault = ""

    async def _make(self, prompt: Slow, shelf: SoundCache, file: str, *, patiently: bool) -> Path:
        try:
            async with self._room:
                with shelf.making(file) as unfinished:
                    await self._render(prompt, unfinished, patiently=patiently)
        except OSError as error:
            raise PromptFault(f"A spoken prompt could not be kept: {error}") from error
        return shelf.path(file)

    async def _render(self, prompt: Slow, to: Path, *, patiently: bool) -> None:
        match prompt:
            case Say() | Phrase():
                language = self._language_of(prompt.language)
                await self._voice.speak(self.words(prompt), language, to, patiently=patiently)
            case Music():
                # A process of its own: seconds of arithmetic here would hold up every call.
                house = Path(__file__).parents[2]
                await run(
                    sys.executable,
                    "-m",
                    music.__name__,
                    str(to),
                    patiently=True,
                    environment={"PYTHONPATH": str(house)},
                )

    async def _make_all(self, prompts: tuple[Prompt, ...]) -> None:
        for prompt in prompts:
            async with self._one_by_one:
                try:
                    await self.sound(prompt, patiently=True)
                except PromptFault as fault:
                    self._note(fault)

    def _note(self, fault: PromptFault) -> None:
        """Each fault is logged once until something works again: a missing program would fill the log."""
        if str(fault) != self.fault:
            log.warning("%s A tone is played instead.", fault)
        self.fault = str(fault)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
