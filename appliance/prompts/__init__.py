"""What callers and operators hear: the sentences of the house in each language, the voice, the tones, the music.

In: prompts as words (`appliance.calls.prompt`).  Out: 8 kHz mono 16-bit WAV files, ready for the engine.
Touches: its own cache folder; starts espeak-ng and sox, never through a shell.
"""
