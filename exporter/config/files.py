"""Reading small files that people name: up to a limit, without a wait, one sentence when it fails."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class FileRefusedError(Exception):
    """Why the file cannot be used: a sentence without its name, which may be a misplaced credential."""


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """The bytes of a file, and whether any user of the machine may read it."""

    data: bytes
    readable_by_others: bool
    mode: int


def read_small(path: Path, limit: int) -> Content:
    """The content of a regular file of at most `limit` bytes. Raises FileRefusedError."""
    try:
        # Without O_NONBLOCK a pipe without a writer would hold the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", closefd=True) as file:  # noqa: PTH123 - a descriptor, not a path
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                refusal = "not a regular file"
            elif len(data := file.read(limit + 1)) > limit:
                refusal = f"too large (at most {limit} bytes)"
            else:
                return Content(data, bool(mode & stat.S_IROTH), stat.S_IMODE(mode))
    except FileNotFoundError:
        refusal = "no such file"
    except PermissionError:
        refusal = "this user may not read it"
    except IsADirectoryError:
        refusal = "not a regular file"
    except ValueError:
        refusal = "no file name (it has a zero character)"
    except OSError as error:
        refusal = (error.strerror or "cannot be read").lower()
    raise FileRefusedError(refusal)
