"""Flat scans, photocopies and faxes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import page_camera as camera
from digitrec.datasets import page_light as lighting
from digitrec.datasets import page_paper as paper
from digitrec.datasets.page_backdrops import Bytes, Floats
from digitrec.datasets.page_camera import Legibility
from digitrec.datasets.page_geometry import Scene, to_frame
from digitrec.datasets.page_paper import Drawn
from digitrec.datasets.page_textures import Textures


def render_scan(rng: np.random.Generator, scene: Scene, drawn: Drawn, textures: Textures) -> Bytes:
    """Return a scan in colour, grey or black and white: even light, dark or white around the sheet, specks."""
    side, cover = drawn.side, drawn.covers()
    inks, contrast = paper.legible(rng, paper.choose_inks(rng, "scan", drawn.grain), cover, 1.0)
    planes, bilevel = paper.surface(rng, inks.ground, textures, side), contrast > 25 and rng.random() < 0.18
    if not bilevel and rng.random() < 0.08:
        planes *= lighting.fold(rng, side)
    paper.compose(rng, planes, inks, cover, textures, drawn.grain)
    if not bilevel and rng.random() < 0.15:
        _shade_gutter(rng, planes)
    picture = paper.merged(planes)
    if scene.page is not None:
        _lay_on_bed(rng, picture, to_frame(scene.page_to_frame, scene.page))
    legibility, ground = Legibility(drawn.digit_height, contrast), paper.luma(inks.ground)
    if rng.random() < 0.5:
        deviation = float(rng.uniform(0.3, 0.8)) * legibility.blur
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), deviation), np.uint8)
    if rng.random() < 0.15:
        picture = camera.resampled(rng, picture, legibility)
    picture = camera.noisy(rng, picture, textures, legibility, float(rng.choice([0, 1.5, 4], p=[0.5, 0.35, 0.15])))
    if bilevel:
        picture = camera.bilevel(rng, picture, ground, ground - contrast if ground > 110 else ground + contrast)
    else:
        picture = camera.toned(rng, picture, legibility)
        picture = paper.greyed(picture) if rng.random() < 0.3 else picture
    picture = paper.bordered(rng, scene.margins, picture)
    return camera.jpeg(rng, picture, legibility) if rng.random() < 0.6 else picture


def _shade_gutter(rng: np.random.Generator, planes: Floats) -> None:
    """Darken where a book bends away from the glass, in place."""
    side = planes.shape[1]
    place = np.linspace(-1, 1, side, dtype=np.float32) + np.float32(rng.uniform(-1, 1))
    shade = 1 - np.float32(rng.uniform(0.15, 0.5)) * np.exp(-((place / np.float32(rng.uniform(0.05, 0.2))) ** 2))
    planes *= shade if rng.random() < 0.5 else shade[:, None]


def _lay_on_bed(rng: np.random.Generator, picture: Bytes, corners: NDArray[np.float64]) -> None:
    """Paint what a scanner sees beside a sheet's corners (4, 2), in place: its dark or white lid, the sheet's edge."""
    sheet = paper.polygon(corners, len(picture))
    grey = float(rng.choice([rng.uniform(0, 50), rng.uniform(50, 200), rng.uniform(225, 255)], p=[0.5, 0.15, 0.35]))
    bed = np.full_like(picture, grey)
    if grey > 100:
        edge = (grey * 0.6,) * 3
        points = np.rint(corners * 16).astype(np.int32)
        cv2.polylines(bed, [points], True, edge, int(rng.integers(2, 9)), cv2.LINE_AA, 4)
    beside = 255 - sheet
    kept = cv2.multiply(picture, cv2.merge([sheet, sheet, sheet]), scale=1 / 255)
    laid = cv2.multiply(bed, cv2.merge([beside, beside, beside]), scale=1 / 255)
    picture[:] = cv2.add(kept, laid)
