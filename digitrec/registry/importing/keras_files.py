"""Keras's files: `.keras` archives and the older `.h5`, both of Keras 2 and 3. Read as JSON and arrays, never loaded.

Only hard links to plain arrays of numbers, stored in the file itself, are followed in HDF5, and an array is read only
where its shape is the one that its layer needs.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from digitrec.errors import ModelError
from digitrec.registry.importing import keras_config
from digitrec.registry.importing.kinds import Shape
from digitrec.registry.importing.network import Layer, Network, Weights, damage_reported, fail, outlined, weighted

CONFIG, WEIGHTS = "config.json", "model.weights.h5"

MOST_BYTES = 200 * 2**20
"""Bytes of the weights' file unpacked: 20 million weights with an optimizer's state, twice as many, are 240 MB."""

MOST_JSON = 4 * 2**20
DAMAGED = "This Keras file is damaged. Save the model again."


def read_archive(data: bytes) -> Network:
    """Return the network in a `.keras` file.

    Raises:
        ModelError: If it is damaged, too large, or holds what is not supported.
    """
    with damage_reported(DAMAGED), zipfile.ZipFile(io.BytesIO(data)) as archive:
        config, stored = (member(archive, name, most) for name, most in ((CONFIG, MOST_JSON), (WEIGHTS, MOST_BYTES)))
    layers = keras_config.layers(config)
    outline, expected = outlined([layer for layer, _ in layers])
    with damage_reported(DAMAGED), h5py.File(io.BytesIO(stored), "r") as file:
        root = next((file[name] for name in _groups(file, ("layers", "_layer_checkpoint_dependencies"))), None)
        found = {
            layer.name: _archived(root, folder, layer, expected[layer.name])
            for layer, folder in layers
            if expected[layer.name]
        }
    return weighted(outline, expected, found)


def member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a file of an archive, unpacked in memory up to a limit, whatever the archive says of its size."""
    content = b""
    if (size := archive.getinfo(name).file_size) <= most:
        with archive.open(name) as stream:
            content = stream.read(most + 1)
    if max(size, len(content)) > most:
        raise ModelError(f"The file {name} in this archive is larger than {most // 2**20} MB. Import a smaller model.")
    return content


def _archived(root: Any, folder: str, layer: Layer, shapes: Sequence[Shape]) -> Weights:
    """Return the weights in `layers/<folder>/vars/0`, `1` ... of an archive."""
    group = root
    for name in (folder, "vars"):
        group = _child(group, name, layer)
    return tuple(_array(group, str(number), shape, layer) for number, shape in enumerate(shapes))


def read_h5(data: bytes) -> Network:
    """Return the network in a `.h5` file, which `model.save` of Keras 2 and 3 writes.

    Raises:
        ModelError: If it is damaged, holds weights only, or holds what is not supported.
    """
    with damage_reported(DAMAGED), h5py.File(io.BytesIO(data), "r") as file:
        config = file.attrs.get("model_config")
        if config is None:
            raise ModelError("This .h5 file holds weights without their layers. Save the whole model: model.save(...).")
        text = config if isinstance(config, bytes | str) else b""
        if not 0 < len(text) <= MOST_JSON:
            raise ModelError(DAMAGED)
        layers = [layer for layer, _ in keras_config.layers(text.encode() if isinstance(text, str) else text)]
        outline, expected = outlined(layers)
        root = next((file[name] for name in _groups(file, ("model_weights",))), file)
        found = {each.name: _named(root, each, expected[each.name]) for each in layers if expected[each.name]}
    return weighted(outline, expected, found)


def _named(root: Any, layer: Layer, shapes: Sequence[Shape]) -> Weights:
    """Return the weights of a layer in the order of the attribute `weight_names` of its group."""
    group = _child(root, layer.name, layer)
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in _names(group)]
    if len(names) != len(shapes):
        raise fail(layer.name, f"needs {len(shapes)} arrays of weights. Save the model again. Received: {len(names)}")
    arrays = []
    for name, shape in zip(names, shapes, strict=True):
        *folders, last = name.split("/")
        place = group
        for folder in folders:
            place = _child(place, folder, layer)
        arrays.append(_array(place, last, shape, layer))
    return tuple(arrays)


def _names(group: Any) -> Iterator[Any]:
    """Yield the names of a layer's weights; many of them are spread over several attributes."""
    if "weight_names" in group.attrs:
        yield from np.atleast_1d(group.attrs["weight_names"])[:64]
        return
    for number in range(16):
        if f"weight_names{number}" not in group.attrs:
            return
        yield from np.atleast_1d(group.attrs[f"weight_names{number}"])[:64]


def _groups(file: Any, names: Sequence[str]) -> Iterator[str]:
    """Yield those of these names that are groups of the file itself."""
    for name in names:
        if (
            name in file
            and isinstance(file.get(name, getlink=True), h5py.HardLink)
            and isinstance(file[name], h5py.Group)
        ):
            yield name


def _child(group: Any, name: str, layer: Layer) -> Any:
    """Return a group within a group; what a link leads to elsewhere is not followed."""
    if not isinstance(group, h5py.Group) or not re.fullmatch(r"[^/]{1,200}", name) or name in (".", ".."):
        raise fail(layer.name, "has no weights in this file. Save the model again.")
    link = group.get(name, getlink=True) if name in group else None
    if not isinstance(link, h5py.HardLink) or not isinstance(group[name], h5py.Group):
        raise fail(layer.name, "has no weights in this file. Save the model again.")
    return group[name]


def _array(group: Any, name: str, shape: Shape, layer: Layer) -> NDArray[np.float32]:
    """Return an array of the shape that is needed."""
    link = group.get(name, getlink=True) if name in group else None
    found = group[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset):
        raise fail(layer.name, "lacks an array of weights in this file. Save the model again.")
    if found.shape != shape or found.dtype.kind != "f" or found.dtype.itemsize > 8:
        wanted, received = (" x ".join(map(str, sides)) or "one number" for sides in (shape, found.shape or ()))
        raise fail(layer.name, f"needs weights of {wanted}. Save the model again. Received: {received}, {found.dtype}")
    if found.is_virtual or found.external:
        raise fail(layer.name, "keeps its weights in another file. Save the model as one file.")
    with np.errstate(over="ignore"):
        return np.asarray(found[()], np.float32)
