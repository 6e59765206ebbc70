"""What goes wrong with disks, in plain words."""

from __future__ import annotations

import errno

_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EROFS: "the disk has become read-only, as worn-out cards do",
    errno.EIO: "the disk cannot be read or written, the card may be damaged",
    errno.EACCES: "this program may not use that file",
    errno.EPERM: "this program may not use that file",
    errno.EMFILE: "too many files are open",
}


class StoreTrouble(RuntimeError):
    """The store could not do it and nothing has changed; the text says in plain words why, for people to read."""


def is_full(error: OSError) -> bool:
    """No room: other things that are deleted would help."""
    return error.errno in _SPACE


def plain_words(error: OSError) -> str:
    """What the system's error means to somebody who is not an engineer; lower case, no full stop."""
    return _WORDS.get(error.errno or 0, error.strerror or str(error))
