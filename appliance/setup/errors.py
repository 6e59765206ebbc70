"""What can go wrong at set-up, in words for the person at the terminal."""

from __future__ import annotations

import re
from pathlib import Path


class SetupFailed(Exception):
    """A step cannot be done. The text says what happened and what to do."""


class ToolFailed(SetupFailed):
    """A program that a step needs ended with an error. `output` is the end of what it wrote."""

    def __init__(self, program: str, status: int, output: str) -> None:
        how = f"stopped by signal {-status}" if status < 0 else f"ended with status {status}"
        super().__init__(explain(output) or f"{program} {how}.")
        self.program = program
        self.output = output


REASONS = (
    (
        r"do not match the hashes|EINTEGRITY|Hash Sum mismatch",
        "A downloaded file is not the one we know. It may have been changed on its way; nothing was installed from it.",
    ),
    (r"No space left on device|ENOSPC|not enough free space", "The disk is full."),
    (r"Read-only file system|EROFS", "This disk cannot be written to."),
    (
        r"Could not get lock|is held by process|dpkg frontend lock",
        "Another program is installing packages. Wait until it is done, then start again.",
    ),
    (
        r"dpkg was interrupted",
        "An earlier installation was cut short. Run `dpkg --configure -a` as root, then start again.",
    ),
    (
        r"name resolution|resolving '|Could not resolve|ENOTFOUND|EAI_AGAIN|Name or service not known",
        "The package servers' names cannot be found: this machine seems to have no network or no name server.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|UNABLE_TO_VERIFY|SELF_SIGNED_CERT",
        "The package server's certificate is not trusted here. Check this machine's date and its certificates.",
    ),
    (
        r"Connection refused|ECONNREFUSED|Network is unreachable|ENETUNREACH|Connection timed out|ETIMEDOUT|Could not connect",
        "The package servers do not answer.",
    ),
    (
        r"Unable to locate package|has no installation candidate",
        "This machine's package lists lack a package we need. Is it Debian 12 or 13, with `main` among its sources?",
    ),
    (r"No matching distribution found", "There is no ready-made package for this Python or this processor."),
    (r"Permission denied|EACCES", "This user may not write there."),
)
"""What tools say, and what it means. The first that fits is told."""


def explain(output: str) -> str | None:
    """The plain meaning of a tool's last words, or None where we know no better than they."""
    for pattern, meaning in REASONS:
        if re.search(pattern, output, re.IGNORECASE):
            return meaning
    return None


def explain_os_error(error: OSError) -> str:
    """The same for an error met by set-up itself."""
    where = f" ({Path(error.filename)})" if error.filename else ""
    return f"{explain(str(error)) or error.strerror or str(error)}{where}"
