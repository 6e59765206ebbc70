"""The voice of the box: espeak-ng speaks, sox makes it fit for a telephone.

A telephone carries 300 to 3400 Hz. What lies outside is cut before the level is set, so that the level is what the
caller hears: -18 dBFS on average and never above -3, with the soft sounds lifted a little as broadcasters do.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Protocol

from appliance.prompts.fault import PromptFault
from appliance.prompts.language import Language
from appliance.prompts.programs import run
from appliance.prompts.sound import is_whole

LONGEST = 2000
"""Characters of a text; what goes beyond is not spoken."""

LEVEL = -18.0
"""dBFS, root mean square."""

PEAK = -3.0
"""dBFS."""

SHAPE = (
    # No announcement is longer than five minutes.
    ("trim", "0", "300"),
    ("sinc", "-n", "512", "300-3400"),
    ("rate", "8000"),
    # Lift what is soft and bend what is loud, until the peaks stand no more than 15 dB above the average.
    ("compand", "0.003,0.08", "6:-50,-50,-40,-22,-20,-14,0,-9", "0", "-20", "0.003"),
    ("gain", "-l", "7"),
    ("silence", "1", "0.02", "0.5%", "reverse", "silence", "1", "0.02", "0.5%", "reverse"),
)
PAUSES = ("pad", "0.03", "0.12")
"""Before and after, so that sentences played one after the other do not run together."""


class Voice(Protocol):
    """Whoever speaks for the box; another voice needs to know these two things only."""

    def recipe(self, language: Language) -> str:
        """Names everything but the text that the sound depends on: another recipe, another sound."""

    async def speak(self, text: str, language: Language, to: Path, *, patiently: bool) -> None:
        """Write `text`, spoken, to a new 8 kHz mono 16-bit WAV file.

        Raises:
            PromptFault: it could not; then there may be half a file.
        """


class EspeakVoice:
    """espeak-ng, one process a text, some hundredths of a second."""

    def __init__(self, espeak: str = "espeak-ng", sox: str = "sox") -> None:
        self._espeak = espeak
        self._sox = sox

    def recipe(self, language: Language) -> str:
        """See `Voice`."""
        return repr((1, *_manner(language), SHAPE, PAUSES, LEVEL, PEAK))

    async def speak(self, text: str, language: Language, to: Path, *, patiently: bool) -> None:
        """See `Voice`."""
        raw, shaped = to.with_suffix(".raw"), to.with_suffix(".shaped")
        try:
            await run(
                self._espeak, *_manner(language), "-b", "1", "--stdin", "-w", str(raw), text=text, patiently=patiently
            )
            if not is_whole(raw, rate=None):
                raise PromptFault(f"Nothing in these words can be spoken in {language.name}: “{text[:60]}”")
            effects = (part for effect in (*SHAPE, ("stats",)) for part in effect)
            levels = await run(self._sox, *_wav(raw), *_telephone_wav(shaped), *effects, patiently=patiently)
            gain = ("gain", f"{_gain(levels):.2f}")
            await run(self._sox, *_wav(shaped), *_telephone_wav(to), *gain, *PAUSES, patiently=patiently)
        finally:
            raw.unlink(missing_ok=True)
            shaped.unlink(missing_ok=True)


def clean(text: str) -> str:
    """The text as it may be spoken: one line, no control characters, none of the voice's own commands, not too long."""
    plain = "".join(_printed(sign) for sign in text[: 2 * LONGEST])
    # Two brackets would have what follows read as phonemes.
    plain = re.sub(r"\[\[+", "[", " ".join(plain.split()))
    if len(plain) > LONGEST:
        plain = plain[:LONGEST].rpartition(" ")[0] or plain[:LONGEST]
    return plain


def _printed(sign: str) -> str:
    """Line ends and kin part words; marks without a shape (soft hyphen, direction, half a surrogate) do not."""
    kind = unicodedata.category(sign)
    return " " if kind == "Cc" else "" if kind.startswith("C") else sign


def can_be_spoken(text: str) -> bool:
    """Whether there is a letter or a figure in it."""
    return any(sign.isalnum() for sign in text)


def _manner(language: Language) -> tuple[str, ...]:
    return ("-v", language.voice, "-s", str(language.words_per_minute), "-p", str(language.pitch))


def _wav(path: Path) -> tuple[str, ...]:
    # -D: no dither, so that the same words give the same file.
    return ("-V1", "-D", "-t", "wav", str(path))


def _telephone_wav(path: Path) -> tuple[str, ...]:
    return ("-t", "wav", "-r", "8000", "-c", "1", "-b", "16", "-e", "signed-integer", str(path))


def _gain(levels: str) -> float:
    """Decibels from what sox has measured to what is wanted; the peak counts before the average."""
    measured = dict(re.findall(r"^(RMS lev|Pk lev) dB\s+(-?[0-9.]+)", levels, re.MULTILINE))
    try:
        return min(LEVEL - float(measured["RMS lev"]), PEAK - float(measured["Pk lev"]))
    except KeyError as error:
        raise PromptFault("The voice has given nothing but silence.") from error
