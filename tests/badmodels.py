"""Ways to spoil a model file: bytes, and what its parts say, with the checksums of an archive made right again."""

import io
import json
import random
import zipfile
from functools import cache

import h5py
import modeldata
from badinput import Target
from badinput import spoiled as spoiled_input

from digitrec.registry.importing import sandbox

GAVE_UP = (sandbox.TOO_LONG, sandbox.TOO_MUCH)


@cache
def _seed(name: str) -> bytes:
    return modeldata.FILES[name]()


def _target(form: str) -> Target:
    return Target("a model", 0, list, lambda data, folder: None, form)  # type: ignore[arg-type]


def spoiled(name: str, rng: random.Random) -> bytes:
    """Return a file of a format, changed in a few places.

    Args:
        name: A key of `modeldata.FILES`.
        rng: Decides what is changed.
    """
    seeds = [_seed(name)]
    if name == "keras" and rng.random() < 0.9:
        return _spoiled_archive(rng)
    if name == "h5" and rng.random() < 0.3:
        return _spoiled_config(rng)
    return spoiled_input(_target("bytes"), seeds, rng)


def _spoiled_archive(rng: random.Random) -> bytes:
    """Return a `.keras` file whose checksums are right, with its description or its weights changed."""
    with zipfile.ZipFile(io.BytesIO(_seed("keras"))) as file:
        config, weights = file.read("config.json"), file.read("model.weights.h5")
    if rng.random() < 0.5:
        config = spoiled_input(_target("json"), [json.dumps(json.loads(config)).encode()], rng)
    else:
        weights = spoiled_input(_target("bytes"), [weights], rng)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("config.json", config)
        file.writestr("model.weights.h5", weights)
    return packed.getvalue()


def _spoiled_config(rng: random.Random) -> bytes:
    """Return a `.h5` file whose description is changed."""

    def change(file: h5py.File) -> None:
        config = spoiled_input(_target("json"), [file.attrs["model_config"].encode()], rng)
        file.attrs["model_config"] = config[:60_000].replace(b"\0", b" ") or b" "

    return modeldata.keras2(change)
