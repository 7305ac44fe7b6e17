"""What visitors brought, kept in the server's memory for a while after their tab was reloaded or dropped.

A tab holds a random token; whoever brings it gets a copy of what was kept under it, and nobody else can: a token has
256 random bits, and only its hash is kept here.
"""

import copy
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SECONDS = 2 * 60 * 60
"""How long it is kept after the tab was last used."""

TABS = 200
"""Tabs of which something is kept; the one used the longest ago is forgotten first."""

TAB_BYTES = 48 * 2**20
"""Bytes that are kept of a tab: the files that a batch keeps, with the drawings."""

BYTES = 512 * 2**20
"""Bytes that are kept in all."""

TOKEN_LENGTH = 43
"""Characters of a token, 256 bits in base 64."""


@dataclass(frozen=True)
class _Kept:
    """What is kept of a tab: its values, their size in bytes, and the time when it was last used, in seconds."""

    values: Mapping[str, Any]
    size: int
    used: float


class KeptSessions:
    """What is kept of all tabs, for any number of threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing.

        Args:
            clock: Returns the time in seconds.
        """
        self._clock = clock
        self._kept: dict[str, _Kept] = {}  # by the token's hash; the one used last is the last
        self._lock = threading.Lock()

    def keep(self, token: str, values: Mapping[str, Any], size: int) -> bool:
        """Keep values under a token in place of what was kept under it; return whether there was room.

        The values themselves are kept, so that what changes in them later is kept too.

        Args:
            token: One that `new_token` returned.
            values: By their names; without any, what was kept is forgotten.
            size: About how many bytes they take.
        """
        name = _hash(token)
        with self._lock:
            self._kept.pop(name, None)
            self._forget_old()
            if not values:
                return True
            if size > TAB_BYTES:
                return False
            self._kept[name] = _Kept(dict(values), size, self._clock())
            while len(self._kept) > TABS or sum(kept.size for kept in self._kept.values()) > BYTES:
                del self._kept[next(iter(self._kept))]
            return True

    def found(self, token: object) -> dict[str, Any]:
        """Return a copy of what was kept under a token; nothing for any other token or after its time.

        It stays kept: a duplicated tab brings the token of the other one.

        Args:
            token: What a browser sent; it can be anything.
        """
        if not isinstance(token, str) or len(token) != TOKEN_LENGTH:
            return {}
        with self._lock:
            self._forget_old()
            kept = self._kept.get(_hash(token))
        return _copy(kept.values) if kept else {}

    def forget(self, token: str) -> None:
        """Forget what was kept under a token."""
        with self._lock:
            self._kept.pop(_hash(token), None)

    def _forget_old(self) -> None:
        before = self._clock() - SECONDS
        for name in [name for name, kept in self._kept.items() if kept.used < before]:
            del self._kept[name]


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of values that another thread may be changing."""
    while True:
        try:
            return copy.deepcopy(dict(values))
        except RuntimeError:  # a dictionary grew meanwhile
            continue


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
