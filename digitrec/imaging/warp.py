"""Glyphs moved, turned, zoomed, sheared, thickened, bent, noised and blurred: for training, previews and robustness.

Everywhere `glyphs` is float32 (N, height, width), 0 paper .. 1 ink; what comes back is a new array
of that shape and range, and what leaves the picture is lost. Positions follow pictures: x to the right, y down.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digitrec.imaging.augmentation import Augmentation

Glyphs = npt.NDArray[np.float32]

_CHUNK = 512  # glyphs a resampling: the working arrays stay in the processor's cache
_KNOT_SPACING = 4.5  # pixels between the knots of the elastic field
_SMOOTHING = 4.5  # pixels, the field's sigma: Simard et al. (2003) use 4 on 29 x 29 pixels


def distort(glyphs: Glyphs, amounts: Augmentation, rng: np.random.Generator) -> Glyphs:
    """Distort each glyph by amounts of its own, drawn evenly between minus and plus the amounts given.

    All but the thickness is done in one resampling, so that a digit is blurred once.

    Args:
        glyphs: float32 (N, height, width), 0 paper .. 1 ink; left as they are.
        amounts: How far, see `Augmentation`; 0 leaves a distortion out.
        rng: Where the draws come from: the same glyphs, amounts and seed give the same pictures.

    Returns:
        float32 (N, height, width), 0 paper .. 1 ink.

    References:
        Simard, Steinkraus and Platt: Best practices for convolutional neural networks applied to visual
        document analysis, ICDAR 2003, for the elastic field.
    """
    count = len(glyphs)
    dx, dy = (rng.uniform(-amounts.shift, amounts.shift, count) for _ in range(2))
    degrees = rng.uniform(-amounts.turn, amounts.turn, count)
    factor = 1 + rng.uniform(-amounts.zoom, amounts.zoom, count)
    lean = rng.uniform(-amounts.shear, amounts.shear, count)
    thickness = rng.uniform(-amounts.thickness, amounts.thickness, count)
    bend = rng.uniform(0, amounts.elastic, count)
    warps = bool(amounts.shift or amounts.turn or amounts.zoom or amounts.shear or amounts.elastic)
    result = np.empty(glyphs.shape, np.float32)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        chunk = np.asarray(glyphs[part], np.float32)
        if warps:
            columns, rows = _affine_maps(chunk.shape, dx[part], dy[part], degrees[part], factor[part], lean[part])
            if amounts.elastic:
                field = _elastic_field(chunk.shape, rng) * bend[part, None, None].astype(np.float32)
                columns += field[0]
                rows += field[1]
            chunk = _resample(chunk, columns, rows)
        result[part] = _with_strokes(chunk, thickness[part]) if amounts.thickness else chunk
    return result


def moved(glyphs: Glyphs, dx: float, dy: float) -> Glyphs:
    """Move glyphs `dx` pixels to the right and `dy` pixels down."""
    return _warped(glyphs, dx=dx, dy=dy)


def turned(glyphs: Glyphs, degrees: float) -> Glyphs:
    """Turn glyphs about the picture's middle, counter-clockwise as seen."""
    return _warped(glyphs, degrees=degrees)


def zoomed(glyphs: Glyphs, factor: float) -> Glyphs:
    """Enlarge glyphs about the picture's middle; a factor below 1 makes them smaller.

    Raises:
        ValueError: If `factor` is not above 0.
    """
    if not factor > 0:
        raise ValueError(f"The factor must be above 0. Received: {factor}")
    return _warped(glyphs, factor=factor)


def thickened(glyphs: Glyphs, px: float) -> Glyphs:
    """Make strokes `px` pixels wider; below 0 thinner. A stroke too thin to lose that much keeps its spine.

    Args:
        glyphs: float32 (N, height, width).
        px: Pixels of width gained, -2 to 2.

    Raises:
        ValueError: If `px` is not from -2 to 2.
    """
    if not -2 <= px <= 2:
        raise ValueError(f"px must be from -2 to 2. Received: {px}")
    result = np.empty(glyphs.shape, np.float32)
    for start in range(0, len(glyphs), _CHUNK):
        chunk = np.asarray(glyphs[start : start + _CHUNK], np.float32)
        result[start : start + _CHUNK] = _with_strokes(chunk, np.full(len(chunk), px))
    return result


def noised(glyphs: Glyphs, sigma: float, rng: np.random.Generator) -> Glyphs:
    """Add noise of this standard deviation, 0 or above, to each pixel; what leaves 0 to 1 is cut off."""
    noise = rng.standard_normal(glyphs.shape, dtype=np.float32)
    return np.asarray(np.clip(glyphs + np.float32(sigma) * noise, 0, 1), np.float32)


def blurred(glyphs: Glyphs, sigma: float) -> Glyphs:
    """Blur glyphs by a Gaussian of `sigma` pixels, 0 or above; around the picture is paper."""
    import scipy.ndimage

    soft = scipy.ndimage.gaussian_filter(glyphs, (0, sigma, sigma), mode="constant", output=np.float32)
    return np.asarray(np.clip(soft, 0, 1), np.float32)


def _warped(glyphs: Glyphs, dx: float = 0, dy: float = 0, degrees: float = 0, factor: float = 1) -> Glyphs:
    result = np.empty(glyphs.shape, np.float32)
    for start in range(0, len(glyphs), _CHUNK):
        chunk = np.asarray(glyphs[start : start + _CHUNK], np.float32)
        values = (np.full(len(chunk), value) for value in (dx, dy, degrees, factor, 0.0))
        result[start : start + _CHUNK] = _resample(chunk, *_affine_maps(chunk.shape, *values))
    return result


def _affine_maps(
    shape: tuple[int, ...],
    dx: npt.NDArray[np.float64],
    dy: npt.NDArray[np.float64],
    degrees: npt.NDArray[np.float64],
    factor: npt.NDArray[np.float64],
    lean: npt.NDArray[np.float64],
) -> tuple[Glyphs, Glyphs]:
    """Return the column and the row, float32 (N, height, width) each, that each pixel is fetched from."""
    _, height, width = shape
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    angle = np.deg2rad(degrees)
    cos, sin = ((function(angle) / factor)[:, None, None] for function in (np.cos, np.sin))
    x = np.arange(width)[None, None, :] - middle_x - dx[:, None, None]  # (N, 1, width)
    y = np.arange(height)[None, :, None] - middle_y - dy[:, None, None]  # (N, height, 1)
    k = lean[:, None, None]  # a point leans to the right by k times its height above the middle, before it is turned
    columns = ((cos + k * sin) * x + middle_x).astype(np.float32) + ((k * cos - sin) * y).astype(np.float32)
    rows = (sin * x + middle_y).astype(np.float32) + (cos * y).astype(np.float32)
    return columns, rows


def _elastic_field(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return smooth random displacements, float32 (2, N, height, width), the longest of each glyph 1 pixel."""
    count, height, width = shape
    down, across = _smoothing_weights(height), _smoothing_weights(width)
    noise = rng.standard_normal((2, count, down.shape[1], across.shape[1]), dtype=np.float32)
    field: npt.NDArray[np.float32] = down @ (noise @ across.T)
    longest = np.sqrt(np.square(field).sum(axis=0).max(axis=(1, 2)))
    field /= np.maximum(longest, np.finfo(np.float32).tiny)[None, :, None, None]
    return field


def _smoothing_weights(length: int) -> npt.NDArray[np.float32]:
    """Return Gaussian weights, float32 (length, knots), with knots beyond both ends so that edges bend as much."""
    beyond = 2 * _SMOOTHING
    knots = np.arange(-beyond, length - 1 + beyond + _KNOT_SPACING, _KNOT_SPACING)
    weights = np.exp(-0.5 * np.square((np.arange(length)[:, None] - knots) / _SMOOTHING))
    unit: npt.NDArray[np.float64] = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return unit.astype(np.float32)


def _resample(glyphs: Glyphs, columns: Glyphs, rows: Glyphs) -> Glyphs:
    """Fetch pixels from the places given, in between by bilinear weights; outside is paper.

    The glyphs stand below one another in one tall picture, each in a frame of paper, because one call for
    hundreds of glyphs costs a fraction of hundreds of calls.
    """
    count, height, width = glyphs.shape
    tall = np.zeros((count, height + 2, width + 2), np.float32)
    tall[:, 1:-1, 1:-1] = glyphs
    columns = np.clip(columns, -1, width) + 1
    tops = np.arange(1, count * (height + 2), height + 2, dtype=np.float32)[:, None, None]
    rows = np.clip(rows, -1, height) + tops
    fetched = cv2.remap(
        tall.reshape(-1, width + 2), columns.reshape(-1, width), rows.reshape(-1, width), cv2.INTER_LINEAR
    )
    return np.asarray(fetched, np.float32).reshape(glyphs.shape)


def _with_strokes(glyphs: Glyphs, px: npt.NDArray[np.float64]) -> Glyphs:
    """Return glyphs whose strokes are wider by `px` (N,), -2 to 2; both edges move by half of that."""
    result = np.array(glyphs, np.float32)
    share = (np.abs(px) / 2).astype(np.float32)[:, None, None]  # of one pixel at each edge
    wider, thinner = px > 0, px < 0
    if wider.any():
        result[wider] += share[wider] * (_grown(glyphs[wider]) - glyphs[wider])
    if thinner.any():
        result[thinner] += share[thinner] * (_shrunk(glyphs[thinner]) - glyphs[thinner])
    return np.clip(result, 0, 1, out=result)


def _grown(glyphs: Glyphs) -> Glyphs:
    """Return glyphs with each edge one pixel further out: nearly round, between a square's and a cross's dilation."""
    padded = np.pad(glyphs, ((0, 0), (1, 1), (1, 1)))
    across = np.maximum(np.maximum(padded[:, :, :-2], padded[:, :, 2:]), padded[:, :, 1:-1])
    square = np.maximum(np.maximum(across[:, :-2], across[:, 2:]), across[:, 1:-1])
    cross = np.maximum(np.maximum(padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]), across[:, 1:-1])
    return np.asarray((square + cross) / 2, np.float32)


def _shrunk(glyphs: Glyphs) -> Glyphs:
    """Return glyphs with each edge one pixel further in, but never without the spines of thin strokes.

    What an opening takes away would vanish altogether, so it is put back.
    """
    eroded = 1 - _grown_paper(1 - glyphs)
    opened = np.minimum(_grown(eroded), glyphs)
    return eroded + glyphs - opened


def _grown_paper(paper: Glyphs) -> Glyphs:
    """Return `_grown` of the paper, with paper all around."""
    framed = np.pad(paper, ((0, 0), (1, 1), (1, 1)), constant_values=1)
    return _grown(framed)[:, 1:-1, 1:-1]
