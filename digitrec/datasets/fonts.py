"""Fonts for printed text: which are installed, which of them are handwriting, and in which part each belongs."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import ImageFont

from digitrec.errors import DatasetError

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
SUFFIXES = frozenset({".ttf", ".otf", ".ttc"})
NEEDED = "AMZagz0123456789"

_HANDWRITING = (
    "hand script chancery humor comic writing z003 cursive kristi pecita femke breip delphine steve isabella "
    "ecolier tomson dancing caveat indie pacifico chalk brush marker scribble note journal sketch ink signature "
    "pencil sjfonts aenigma tuffy-hand architect daughter reenie shadows patrick satisfy kalam sacramento allura"
)
HANDWRITING = _HANDWRITING.split()
"""Parts of the names of handwriting fonts."""

_UNWANTED = (
    "symbol emoji dingbat math braille music icon awesome barcode ornament wingding webding standardsymbols "
    "opensymbol d050000l lastresort unifont blank adobeblank notdef mahjong chess dice cmsy cmex cmmi msam msbm "
    "rsfs esint wasy stmary eufm euex dummy circled keyboard linbiolinum_k nushu blocks wireframe redacted"
)
UNWANTED = _UNWANTED.split()
"""Parts of the names of fonts without ordinary letters."""


def installed() -> list[Path]:
    """Return the files of all fonts in fontconfig's folders and those that DIGITREC_FONTS names, sorted by name."""
    named = os.environ.get("DIGITREC_FONTS", "")
    folders = [Path(folder).expanduser() for folder in (*FOLDERS, *filter(None, named.split(os.pathsep)))]
    files = {path for folder in folders if folder.is_dir() for path in _files(folder)}
    return sorted(files, key=lambda path: (path.name, str(path)))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def of_part(part: str) -> tuple[list[Path], list[Path]]:
    """Return the print fonts and the handwriting fonts of `training` or `validation`, a family wholly in one of them.

    A part that would be without print (or handwriting) fonts gets those of the other part.

    Raises:
        DatasetError: If no font with Latin letters and digits is installed.
    """
    families = [(path, family) for path in installed() if (family := family_of(path)) is not None]
    if not families:
        raise DatasetError(
            "No font with Latin letters and digits was found. Install one (fonts-dejavu-core) or name a folder of "
            f"TrueType fonts in DIGITREC_FONTS. Looked in: {', '.join(FOLDERS)}"
        )
    hand = [(path, family) for path, family in families if _is_handwriting(path, family)]
    others = [pair for pair in families if pair not in hand]
    return _choose(others or hand, part), _choose(hand, part)


def _choose(fonts: list[tuple[Path, str]], part: str) -> list[Path]:
    """Return the fonts of a part, or all where the part has none."""
    chosen = [path for path, family in fonts if part_of_family(family) == part]
    return chosen or [path for path, _ in fonts]


def part_of_family(family: str) -> str:
    """Return `validation` for about a fifth of all names, and `training` for the others."""
    return "validation" if hashlib.sha256(family.lower().encode()).digest()[0] < 51 else "training"


def _is_handwriting(path: Path, family: str) -> bool:
    name = f"{path.stem} {family}".lower()
    return any(word in name for word in HANDWRITING)


def family_of(path: Path) -> str | None:
    """Return the family of a font with Latin letters and digits, or None for any other file."""
    if any(word in path.stem.lower() for word in UNWANTED):
        return None
    try:
        font = ImageFont.truetype(str(path), 16, layout_engine=ImageFont.Layout.BASIC)
        missing = bytes(font.getmask("\uffff"))
        pictures = {bytes(font.getmask(char)) for char in NEEDED}
        family = font.getname()[0] or path.stem
    except (OSError, ValueError):
        return None
    has_all = len(pictures) == len(NEEDED) and missing not in pictures
    return None if not has_all or any(word in family.lower() for word in UNWANTED) else family


def collect(target: Path, count: int = 90, largest: int = 200_000) -> list[Path]:
    """Copy fonts of at most `largest` bytes to a folder, one of each family first; return the copies.

    Args:
        target: The folder.
        count: How many at most.
        largest: Bytes of a file.
    """
    small = [(path, family) for path in installed() if path.stat().st_size <= largest and (family := family_of(path))]
    first = {family: path for path, family in reversed(small)}
    chosen = [*first.values(), *(path for path, family in small if first[family] != path)][:count]
    return [Path(shutil.copy(path, target / path.name)) for path in chosen]


if __name__ == "__main__":
    print(len(collect(Path(sys.argv[1]))), "fonts")
