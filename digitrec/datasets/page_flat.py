"""Pictures made in software: drawings of paint programs, writing drawn over photos, small drawings enlarged."""

import cv2
import numpy as np

from digitrec.datasets import page_camera as camera
from digitrec.datasets import page_light as lighting
from digitrec.datasets import page_paper as paper
from digitrec.datasets.page_backdrops import Bytes, Floats, any_colour
from digitrec.datasets.page_camera import Legibility
from digitrec.datasets.page_geometry import Scene
from digitrec.datasets.page_objects import blocked_by, scatter
from digitrec.datasets.page_paper import Drawn
from digitrec.datasets.page_textures import Textures

LEAST_CONTRAST = 45.0
"""Grey levels between drawn ink and ground."""

UNEVEN = 25.0
"""Grey levels, the deviation of a photo from which on one colour does not stand out everywhere."""


def backdrop(rng: np.random.Generator, textures: Textures, side: int = 640, blocked: Bytes | None = None) -> Bytes:
    """Return a photo of no page: a surface or a view with things on it, in some light: uint8 (side, side, 3), RGB.

    Args:
        rng: Random numbers.
        textures: Backdrops to choose from.
        side: Pixels.
        blocked: uint8 (side / 8, side / 8), not 0 where no thing may lie.
    """
    picture = textures.backdrop(rng, side)
    scatter(rng, picture, blocked_by(None, side) if blocked is None else blocked, int(rng.integers(0, 7)))
    planes, shade = paper.split(picture), lighting.light(rng, side)
    shade *= np.float32(rng.uniform(0.6, 1.15))
    for plane, gain in zip(planes, lighting.cast(rng), strict=True):
        plane *= shade * np.float32(gain)
    return camera.photograph(rng, paper.merged(planes), textures, Legibility(30.0, 100.0))


def render_overlay(rng: np.random.Generator, scene: Scene, drawn: Drawn, textures: Textures) -> Bytes:
    """Return a photo of no page, with what is drawn laid over it in flat colours: uint8 (side, side, 3), RGB."""
    del scene
    picture = backdrop(rng, textures, drawn.side, blocked_by(drawn.handwriting(), drawn.side))
    cover = drawn.covers()
    if cover:
        planes = paper.split(picture)
        if drawn.digit_height < 24 and float(planes[1][::8, ::8].std()) > UNEVEN:  # a translucent panel calms it
            mean, share = planes.mean(axis=(1, 2), keepdims=True), np.float32(rng.uniform(0.6, 0.85))
            planes += (mean - planes) * share
        for name in paper.LAYERS:
            if name in cover:
                _lay_over(rng, planes, cover[name], drawn.digit_height)
        picture = paper.merged(planes)
    legibility = Legibility(drawn.digit_height, 80.0)
    return camera.jpeg(rng, picture, legibility) if rng.random() < 0.6 else picture


def _lay_over(rng: np.random.Generator, planes: Floats, cover: Floats, height: float) -> None:
    """Paint one cover over a photo in a colour that stands out from what lies under it, in place."""
    under = cover > 0.05
    if not under.any():
        return
    mean = np.array([float(plane[under].mean()) for plane in planes], np.float32)
    uneven = float(planes[1][under].std()) > UNEVEN
    colour = _contrasting(rng, mean, 1.0)
    if uneven:
        colour = np.full(3, 0.0 if paper.luma(mean) > 127 else 255.0, np.float32)
    if height >= 24 and (uneven or rng.random() < 0.25):
        size = 3 if height < 60 else 5
        rim = np.asarray(cv2.dilate(cover, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.float32)
        paper.paint(planes, np.full(3, 255.0 if paper.luma(colour) < 127 else 0.0, np.float32), rim, 0.85)
    paper.paint(planes, colour, _opaque(cover))


def _opaque(cover: Floats) -> Floats:
    """Return the cover of strokes of any opacity as that of opaque ones: float32 (side, side)."""
    stronger = cover * np.float32(1 / max(0.1, paper.strength(cover)))
    return np.asarray(np.minimum(stronger, np.float32(1)), np.float32)


def _contrasting(rng: np.random.Generator, ground: Floats, saturation: float = 0.8) -> Floats:
    """Return a colour (3,) that differs from the ground by `LEAST_CONTRAST` grey levels or more."""
    for _ in range(6):
        colour = np.array(any_colour(rng, 0, 255, saturation), np.float32)
        if abs(paper.luma(colour) - paper.luma(ground)) > LEAST_CONTRAST:
            return colour
    return np.full(3, 0.0 if paper.luma(ground) > 127 else 255.0, np.float32)


def _two_colours(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return ground and ink (3,) of a drawing: black on white, white on black, or any two that contrast."""
    kind = rng.random()
    if kind < 0.34:
        ground = np.full(3, 255.0 if rng.random() < 0.8 else rng.uniform(225, 255), np.float32)
        ink = np.zeros(3, np.float32) if rng.random() < 0.55 else paper.pick(rng, paper.PENS + paper.MARKERS)
        return ground, ink
    if kind < 0.54:
        ground = np.full(3, 0.0 if rng.random() < 0.7 else rng.uniform(0, 45), np.float32)
        return ground, np.full(3, 255.0, np.float32) if rng.random() < 0.6 else _contrasting(rng, ground)
    ground = np.array(any_colour(rng, 5, 250, 0.7 if kind < 0.8 else 0.1), np.float32)
    return ground, _contrasting(rng, ground)


def _layer_colours(rng: np.random.Generator, ground: Floats, ink: Floats) -> dict[str, Floats]:
    """Return the colour (3,) of each layer of a drawing."""
    step = ink - ground
    return {
        "fields": ground + step * np.float32(0.12),
        "rules": ground + step * np.float32(rng.uniform(0.15, 0.6)),
        "print": _contrasting(rng, ground),
        "ink": ink,
        "ink2": _contrasting(rng, ground),
    }


def render_drawing(rng: np.random.Generator, scene: Scene, drawn: Drawn, textures: Textures) -> Bytes:
    """Return a drawing of a paint program: flat ground, hard pixels at times, bars of the program at its edges."""
    del scene
    cover, (ground, ink) = drawn.covers(), _two_colours(rng)
    if rng.random() < 0.3:  # no anti-aliasing
        cover = {name: np.asarray(part > 0.35 * paper.strength(part), np.float32) for name, part in cover.items()}
    elif rng.random() < 0.75:
        cover = {name: part if name == "fields" else _opaque(part) for name, part in cover.items()}
    planes = np.empty((3, drawn.side, drawn.side), np.float32)
    planes[:] = ground[:, None, None]
    if rng.random() < 0.08:  # a gradient
        planes *= np.linspace(rng.uniform(0.8, 1), 1, drawn.side, dtype=np.float32)[:, None]
    colours = _layer_colours(rng, ground, ink)
    for name, part in cover.items():
        paper.paint(planes, colours[name], part)
    picture = paper.merged(planes)
    if rng.random() < 0.15:
        _tool_bars(rng, picture, drawn)
    legibility = Legibility(drawn.digit_height, max(20.0, abs(paper.luma(ink) - paper.luma(ground)) * 0.6))
    if rng.random() < 0.15:
        picture = camera.photograph(rng, picture, textures, legibility)
    return camera.jpeg(rng, picture, legibility) if rng.random() < 0.35 else picture


def _tool_bars(rng: np.random.Generator, picture: Bytes, drawn: Drawn) -> None:
    """Draw a program's tool bars along edges where nothing is written, in place."""
    side, ground, tool = drawn.side, any_colour(rng, 40, 240, 0.1), any_colour(rng, 20, 250, 0.5)
    for turn in range(4):
        width = int(rng.integers(16, 56))
        edges = [np.rot90(layer, turn)[: 2 * width + 8] for layer in drawn.layers.values()]
        if rng.random() < 0.5 or any(edge.any() for edge in edges):
            continue
        bar = np.full((width, side, 3), ground, np.uint8)
        bar[-1] = 90
        for left in range(6, int(side * rng.uniform(0.2, 1.0)), width):
            colour = tool if rng.random() < 0.7 else any_colour(rng, 20, 250, 0.6)
            cv2.rectangle(bar, (left, 5), (left + width - 12, width - 8), colour, -1 if rng.random() < 0.6 else 1)
        np.rot90(picture, turn)[:width] = bar


def render_small(rng: np.random.Generator, scene: Scene, drawn: Drawn, textures: Textures) -> Bytes:
    """Return a drawing of few pixels enlarged to a part of the frame, nearest or smooth, of soft or hard ink."""
    left, top, right, bottom = scene.margins
    side, extent = drawn.side, drawn.side - left - right
    ground, ink = _two_colours(rng)
    small = _shrunk(rng, drawn, scene, ground, ink)
    method = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.choice(3, p=[0.35, 0.35, 0.3]))]
    enlarged = cv2.resize(small, (extent, extent), interpolation=method)
    around = ground if rng.random() < 0.4 else np.array(any_colour(rng, 0, 255, 0.1), np.float32)
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = around.astype(np.uint8)
    picture[top : side - bottom, left : side - right] = enlarged
    legibility = Legibility(drawn.digit_height, abs(paper.luma(ink) - paper.luma(ground)))
    if rng.random() < 0.1:
        picture = camera.noisy(rng, picture, textures, legibility, 3.0)
    return camera.jpeg(rng, picture, legibility) if rng.random() < 0.35 else picture


def _shrunk(rng: np.random.Generator, drawn: Drawn, scene: Scene, ground: Floats, ink: Floats) -> Bytes:
    """Return the part of the frame within the margins at the scene's resolution: uint8 (pixels, pixels, 3)."""
    left, top, right, bottom = scene.margins
    pixels = round(scene.resolution * (drawn.side - left - right))
    small, hard = np.empty((3, pixels, pixels), np.float32), rng.random() < 0.35
    small[:] = ground[:, None, None]
    colours = _layer_colours(rng, ground, ink)
    for name in paper.LAYERS:
        if name not in drawn.layers:
            continue
        part = drawn.layers[name][2 * top : 2 * (drawn.side - bottom), 2 * left : 2 * (drawn.side - right)]
        cover = cv2.resize(part, (pixels, pixels), interpolation=cv2.INTER_AREA).astype(np.float32)
        cover *= np.float32(1 / 255)
        cover = np.asarray(cover > 0.35 * paper.strength(cover), np.float32) if hard else _opaque(cover)
        paper.paint(small, colours[name], cover)
    if rng.random() < 0.15:
        small += rng.normal(0, rng.uniform(1, 6), small.shape).astype(np.float32)
    return paper.merged(small)
