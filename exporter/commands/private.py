"""Files that show a whole account: nobody but their owner may read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, Final

PRIVATE: Final = 0o600


def private_file(path: Path) -> IO[bytes]:
    """Open a file to be written afresh. Raises OSError."""
    out = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb")
    if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
        # The file may have been there before, open to others.
        os.fchmod(out.fileno(), PRIVATE)
    return out
