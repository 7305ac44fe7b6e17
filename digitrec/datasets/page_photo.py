"""Photos of sheets on desks, of boards and of screens: surface, writing, surroundings, light, camera."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import page_camera as camera
from digitrec.datasets import page_light as lighting
from digitrec.datasets import page_paper as paper
from digitrec.datasets.page_backdrops import Bytes, Floats, any_colour
from digitrec.datasets.page_camera import Legibility
from digitrec.datasets.page_geometry import Scene, to_frame
from digitrec.datasets.page_objects import blocked_by, scatter
from digitrec.datasets.page_paper import Drawn
from digitrec.datasets.page_textures import Textures

Points = NDArray[np.float64]

BOARDS = ("whiteboard", "blackboard")


def render_photo(rng: np.random.Generator, scene: Scene, drawn: Drawn, textures: Textures) -> Bytes:
    """Return a phone's photo of a sheet or board: uint8 (side, side, 3), RGB."""
    side, cover, board = drawn.side, drawn.covers(), scene.kind in BOARDS
    shade = lighting.light(rng, side, 0.6 if scene.kind == "blackboard" else 1.0)
    shade *= np.float32(rng.uniform(0.78, 1.08) if rng.random() < 0.87 else rng.uniform(0.25, 0.78))
    dimmest = min(1.0, float(np.percentile(shade[::16, ::16], 10)))
    inks, contrast = paper.legible(rng, paper.choose_inks(rng, scene.kind, drawn.grain), cover, dimmest)
    planes = paper.surface(rng, inks.ground, textures, side, 0.3 if board else 1.0)
    if board:
        _smear(rng, planes, scene.kind, contrast)
    else:
        _relieve(rng, planes, textures)
    paper.compose(rng, planes, inks, cover, textures, max(drawn.grain, 0.35 * (scene.kind == "blackboard")))
    planes = _surrounded(rng, scene, planes, textures, blocked_by(drawn.handwriting(), side))
    _illuminate(rng, planes, shade)
    if rng.random() < (0.4 if scene.kind == "whiteboard" else 0.06):
        _reflect(rng, planes, contrast)
    legibility = Legibility(drawn.digit_height, contrast)
    picture = camera.photograph(rng, paper.merged(planes), textures, legibility)
    if not board and contrast > 30 and rng.random() < 0.06:
        picture = camera.flattened(rng, picture)
    picture = paper.bordered(rng, scene.margins, picture)
    return camera.jpeg(rng, picture, legibility) if rng.random() < 0.6 else picture


def render_screen(rng: np.random.Generator, scene: Scene, drawn: Drawn, textures: Textures) -> Bytes:
    """Return a photo of a screen: a flat page, the grid of its pixels or moire, reflections: uint8 (side, side, 3)."""
    side, cover = drawn.side, drawn.covers()
    inks, contrast = paper.legible(rng, paper.choose_inks(rng, "screen", 0.0), cover, 0.7)
    planes = paper.surface(rng, inks.ground, textures, side, 0.0)
    paper.compose(rng, planes, inks, cover, textures, 0.0)
    _add_pixel_grid(rng, planes, scene, Legibility(drawn.digit_height, contrast))
    if rng.random() < 0.4:  # black glows
        planes += np.float32(rng.uniform(5, 30))
    planes = _surrounded(rng, scene, planes, textures, blocked_by(drawn.handwriting(), side))
    _illuminate(rng, planes, lighting.light(rng, side, 0.4))
    if rng.random() < 0.3:
        _reflect(rng, planes, contrast)
    legibility = Legibility(drawn.digit_height, contrast)
    picture = camera.photograph(rng, paper.merged(planes), textures, legibility)
    picture = paper.bordered(rng, scene.margins, picture)
    return camera.jpeg(rng, picture, legibility) if rng.random() < 0.6 else picture


def _relieve(rng: np.random.Generator, planes: Floats, textures: Textures) -> None:
    """Crumple or fold a sheet now and then, in place."""
    side = planes.shape[1]
    if rng.random() < 0.18:
        crease = textures.crease(rng, side)
        crease *= np.float32(np.exp(rng.uniform(np.log(0.02), np.log(0.14))))
        crease += np.float32(1)
        planes *= crease
    if rng.random() < 0.1:
        planes *= lighting.fold(rng, side)


def _smear(rng: np.random.Generator, planes: Floats, kind: str, contrast: float) -> None:
    """Leave what wiping leaves on a board, weaker than the writing, in place."""
    if rng.random() > 0.75:
        return
    side = planes.shape[1]
    rows, columns = (4, 24) if rng.random() < 0.5 else (24, 4)
    coarse = rng.random((rows, columns), dtype=np.float32) - np.float32(0.4)
    field = np.maximum(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32(0))
    most = min(float(rng.uniform(10, 60)), 0.8 * contrast)
    planes += field * np.float32(most if kind == "blackboard" else -0.5 * most)


def _surrounded(rng: np.random.Generator, scene: Scene, planes: Floats, textures: Textures, blocked: Bytes) -> Floats:
    """Return planes (3, side, side) of the sheet with what lies around it and on it."""
    if scene.page is not None:
        _lay_on_desk(rng, planes, to_frame(scene.page_to_frame, scene.page), scene.kind, textures)
    if rng.random() < (0.12 if scene.page is None else 0.3):
        picture = paper.merged(planes)
        scatter(rng, picture, blocked, int(rng.integers(1, 4)))
        return paper.split(picture)
    return planes


def _lay_on_desk(rng: np.random.Generator, planes: Floats, corners: Points, kind: str, textures: Textures) -> None:
    """Replace what lies beyond a sheet's corners (4, 2) in planes by a desk, in place."""
    side = planes.shape[1]
    desk = textures.backdrop(rng, side)
    if rng.random() < 0.5:
        scatter(rng, desk, blocked_by(None, side), int(rng.integers(1, 5)))
    if kind in (*BOARDS, "screen"):
        _frame(rng, desk, corners, kind)
    elif rng.random() < 0.3:
        _underlay(rng, desk, corners)
    mask, around = paper.polygon(corners, side), paper.split(desk)
    if rng.random() < 0.75:
        around *= _shadow_around(rng, mask)
    planes -= around
    planes *= np.multiply(mask, np.float32(1 / 255), dtype=np.float32)
    planes += around


def _frame(rng: np.random.Generator, desk: Bytes, corners: Points, kind: str) -> None:
    """Draw the frame of a board or screen, in place."""
    tone = any_colour(rng, 8, 60, 0.1) if kind == "screen" else any_colour(rng, 90, 210, 0.3)
    middle = corners.mean(axis=0)
    outer = middle + (corners - middle) * (1 + rng.uniform(0.02, 0.12))
    cv2.fillPoly(desk, [np.rint(outer * 16).astype(np.int32)], tone, cv2.LINE_AA, 4)


def _underlay(rng: np.random.Generator, desk: Bytes, corners: Points) -> None:
    """Draw what a sheet lies on, in place: other sheets, or a clipboard or folder."""
    middle, sheets = corners.mean(axis=0), rng.random() < 0.6
    tone = any_colour(rng, 200, 245, 0.05) if sheets else any_colour(rng, 20, 235, 0.35)
    for _ in range(int(rng.integers(1, 4)) if sheets else 1):
        angle, size = rng.normal(0, 0.05), 1 + abs(rng.normal(0, 0.05)) + (0.0 if sheets else 0.06)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * size
        under = np.rint((middle + (corners - middle) @ turn.T + rng.normal(0, 6, 2)) * 16).astype(np.int32)
        level = tuple(v * float(rng.uniform(0.85, 1.0)) for v in tone)
        cv2.fillPoly(desk, [under], level, cv2.LINE_AA, 4)
        cv2.polylines(desk, [under], True, tuple(v * 0.6 for v in level), 1, cv2.LINE_AA, 4)


def _shadow_around(rng: np.random.Generator, mask: Bytes) -> Floats:
    """Return the light around a sheet that casts a shadow to one side: float32 (side, side), under 1 in shade."""
    side, cells = len(mask), len(mask) // 4
    small = cv2.resize(mask, (cells, cells), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.5, 3)))
    shift = np.array([[1, 0, rng.uniform(-3, 3)], [0, 1, rng.uniform(-3, 3)]], np.float32)
    small = cv2.warpAffine(small, shift, (cells, cells), borderMode=cv2.BORDER_REPLICATE)
    shade = cv2.resize(small.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(1 - shade * np.float32(rng.uniform(0.15, 0.7) / 255), np.float32)


def _illuminate(rng: np.random.Generator, planes: Floats, shade: Floats) -> None:
    """Multiply planes by the light (side, side) and its colour, in place; shadows are a little bluer."""
    tint = rng.uniform(0, 0.08)
    for plane, gain, lift in zip(planes, lighting.cast(rng), (-tint, 0.0, tint), strict=True):
        plane *= shade * np.float32(gain * (1 - lift)) + np.float32(gain * lift * 0.5)


def _reflect(rng: np.random.Generator, planes: Floats, contrast: float) -> None:
    """Add reflections of lamps and windows, in place, weaker over faint writing."""
    veil = lighting.glare(rng, planes.shape[1])
    veil *= np.float32(min(1.0, contrast / 80))
    for plane in planes:
        plane += (np.float32(252) - plane) * veil


def _add_pixel_grid(rng: np.random.Generator, planes: Floats, scene: Scene, legibility: Legibility) -> None:
    """Multiply planes by the stripes of a screen's subpixels, or by the moire that a camera makes of them, in place."""
    side = planes.shape[1]
    axis = np.arange(side, dtype=np.float32)
    angle = np.arctan2(scene.page_to_frame[1, 0], scene.page_to_frame[0, 0]) + rng.normal(0, 0.03)
    along = np.float32(np.cos(angle)) * axis[None] + np.float32(np.sin(angle)) * axis[:, None]
    depth = min(rng.uniform(0.02, 0.16), 0.7 * legibility.contrast / 255)
    pitch, lag = float(rng.uniform(2.2, np.clip(legibility.height / 4, 2.5, 6.0))), 2 * np.pi / 3
    if rng.random() < 0.45:  # slow bands, bent a little
        bend = cv2.resize(rng.random((3, 3), dtype=np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        along += bend * np.float32(rng.uniform(0, 200))
        pitch, lag, depth = float(rng.uniform(5, 60)), float(rng.uniform(0, 1.5)), 0.6 * depth
    for i, plane in enumerate(planes):
        wave = np.sin(along * np.float32(2 * np.pi / pitch) + np.float32(i * lag))
        wave *= np.float32(depth)
        wave += np.float32(1 - depth / 2)
        plane *= wave
