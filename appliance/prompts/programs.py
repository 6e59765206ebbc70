"""Starting the programs that make sound: by list, never through a shell; limited in time; faults in plain words."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping

from appliance.prompts.fault import PromptFault

SECONDS = 60
"""No program of ours works longer than this, the slowest board included."""


async def run(
    program: str, *arguments: str, text: str = "", patiently: bool = False, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program to its end, with `text` on its standard input; returns what it wrote to standard error.

    `patiently` lets everything else on the box go first.

    Raises:
        PromptFault: it is not installed, failed, or took too long.
    """
    path = shutil.which(program)
    if path is None:
        raise PromptFault(f"The program {program} is not installed. Set-up installs it: ./qendra doctor says more.")
    command = ("nice", "-n", "15", path, *arguments) if patiently else (path, *arguments)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE if text else DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
        )
    except OSError as error:
        raise PromptFault(f"The program {program} could not be started: {error.strerror}.") from error
    try:
        async with asyncio.timeout(SECONDS):
            _, said = await process.communicate(text.encode() if text else None)
    except TimeoutError as error:
        raise PromptFault(f"The program {program} did not finish within {SECONDS} seconds.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    words = said.decode("utf-8", "replace").strip()
    if process.returncode != 0:
        raise PromptFault(f"The program {program} failed: {words.splitlines()[-1] if words else 'it does not say why'}")
    return words
