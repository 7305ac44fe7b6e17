"""Names of files: their order, and how they are shown."""

import os
import re
import unicodedata

from digitrec import settings


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key that orders names as people do: digit2.png before digit10.png."""
    parts = re.split(r"([0-9]+)", name.casefold())
    numbers = [part.lstrip("0") for part in parts[1::2]]
    parts[1::2] = numbers  # of two numbers the longer one is larger; as text, for int refuses very long ones
    return [(len(part) if place % 2 else 0, part) for place, part in enumerate(parts)], name


def shown_name(name: str, longest: int = 60) -> str:
    """Return a file's name on one short line: nothing invisible in it, the middle left out where it is long."""
    plain = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in name)
    plain = plain.strip() or "(no name)"
    if len(plain) <= longest:
        return plain
    half = (longest - 1) // 2
    return f"{plain[:half]}…{plain[-half:]}"


def pictures_in(folder: str) -> list[str]:
    """Return the picture files in `folder`, digit2.png before digit10.png."""
    endings = settings.PICTURE_ENDINGS
    try:
        found = [name for name in os.listdir(folder) if name.lower().endswith(endings) and name[0] != "."]
    except OSError:
        return []
    return [os.path.join(folder, name) for name in sorted(found, key=natural)]
