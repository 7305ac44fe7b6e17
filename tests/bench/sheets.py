"""How whole sheets are read.

python -m tests.bench.sheets STROKES_FOLDER [--model NAME] [--count N] [--kinds KIND ...] [--save FOLDER]

Sheets are made of the pen strokes of UNIPEN writers held out from all training, one writer and one pen a sheet, in
rows on plain, ruled, squared and coloured paper, on boards, in hand-drawn tables and grids, on rules that slope, bend
and end, in printed forms and on paper that lies on a desk, with slopes, shadows, noise and JPEG, and of a pen that
presses less here and there and skips, or leaves dots where the paper is rough; some are in strips of shade or of
light, and some drawn on a tablet, whose pen is wider where it presses. Some lie on a side or upside down: any kind,
hairlines, and envelopes with printed stripes and words. Printed by kind of paper: digit accuracy (1 - edit distance /
digits written), the share all right, and how much of the ink found is stroke and how much of the strokes is found.
"""

import argparse
import io
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec import ink as inks
from digitrec import reading, registry, strokes
from digitrec.strokes import Writing

Floats = NDArray[np.float32]
Rng = np.random.Generator

KINDS = (
    "plain",
    "ruled",
    "squared",
    "coloured",
    "board",
    "table",
    "shadow",
    "letters",
    "sloping",
    "grid",
    "form",
    "desk",
    "turned",
    "hairs",
    "envelope",
    "faint",
    "strip",
    "dry",
    "tablet",
)
TURNED = ("turned", "hairs", "envelope")  # lie any way up, and have enough digits to tell
SEED = 4

MISLABELLED = {("aga:crlmtchl", "1"), ("aga:crlmtchl", "7")}
"""Writers and labels of which some or all samples in UNIPEN are a 2."""


@dataclass(frozen=True)
class Sheet:
    """A sheet of digits.

    Attributes:
        picture: uint8 (H, W, 3).
        cover: float32 (H, W), the pen's strokes, 0 to 1.
        text: What is written, rows separated by `/`.
        kind: One of KINDS.
        turned: Quarter turns counter-clockwise that make it upright.
    """

    picture: NDArray[np.uint8]
    cover: Floats
    text: str
    kind: str
    turned: int = 0


def by_writer(writings: list[Writing], fewest: int = 8) -> dict[str, dict[str, list[Writing]]]:
    """Return each writer's digits by label, of writers with at least `fewest` different ones."""
    found: dict[str, dict[str, list[Writing]]] = defaultdict(lambda: defaultdict(list))
    for writing in writings:
        if writing.kind == "digit" and (writing.writer, writing.label) not in MISLABELLED:
            found[writing.writer][writing.label].append(writing)
    return {writer: dict(digits) for writer, digits in found.items() if len(digits) >= fewest}


def material(writings: list[Writing]) -> tuple[dict[str, dict[str, list[Writing]]], list[Writing]]:
    """Return what sheets are made of: the digits by writer and label, and the letters that are clearly none."""
    letters = [w for w in writings if w.kind in ("upper", "lower") and w.label not in strokes.AMBIGUOUS]
    return by_writer(writings), letters


def numbered(writers: dict[str, dict[str, list[Writing]]], letters: list[Writing], kind: str, number: int) -> Sheet:
    """Return the sheet of a kind that has this number, always the same one."""
    return sheet(writers, letters, kind, np.random.default_rng((SEED, KINDS.index(kind), number)))


def sheet(writers: dict[str, dict[str, list[Writing]]], letters: list[Writing], kind: str, rng: Rng) -> Sheet:
    """Return a sheet of one writer's digits."""
    height, width = (int(side) for side in rng.permutation([rng.integers(600, 1100), rng.integers(800, 1600)]))
    digits = writers[str(rng.choice(sorted(writers)))]
    size = min(height, width) * float(np.exp(rng.uniform(np.log(0.05), np.log(0.25))))
    pen = max(1.5, size * rng.uniform(0.04, 0.12))
    few = 1
    if kind in TURNED:
        size, pen, few = _small(kind, size, pen, rng)
    if kind in ("faint", "dry"):
        pen = float(rng.uniform(1.0, 3.0))
    press = float(rng.uniform(0.3, 1.0)) if kind == "tablet" else 0.0
    pitch = size * rng.uniform(1.5, 2.2)
    rows = int(min(rng.integers(min(few, 2), 7), max(1, (height - 0.6 * size) // pitch)))
    slope = float(np.tan(np.deg2rad(rng.normal(0.0, 1.5))))
    top = rng.uniform(0.3, 0.5) * size + abs(slope) * width / 2
    cover = np.zeros((height, width), np.float32)
    text = []
    for row in range(rows):
        y = top + row * pitch + size / 2
        if y + size * 0.6 + abs(slope) * width / 2 > height:
            break
        x, written = rng.uniform(0.3, 1.5) * size, ""
        if kind == "letters" and letters:
            for _ in range(int(rng.integers(1, 4))):
                x = _write(cover, letters[rng.integers(len(letters))], x, y, slope, size, pen, rng)
        for _ in range(int(rng.integers(few, 9))):
            label = str(rng.choice(sorted(digits)))
            room = _width(digits[label][0]) * size
            if x + 1.3 * room + 0.2 * size > width:
                break
            x = _write(cover, digits[label][rng.integers(len(digits[label]))], x, y, slope, size, pen, rng, press)
            x += size * (rng.uniform(0.8, 1.4) if rng.random() < 0.12 else 0.0)
            written += label
        if written:
            text.append(written)
    if kind == "faint":
        cover = _pressed(cover, size, rng)
    if kind == "dry":
        cover = _dry(cover, size, rng)
    paper = str(rng.choice(KINDS[:9])) if kind == "turned" else "plain" if kind in TURNED else kind
    page = _paper(paper, cover, pitch, top, pen, rng)
    if kind == "envelope":
        page, cover = _envelope(page, cover, size, rng)
    if kind == "desk":
        page, cover = _on_desk(page, cover, rng)
    if kind == "tablet":
        page = page if rng.random() < 0.5 else 255.0 - page
        return Sheet(np.clip(np.rint(page), 0, 255).astype(np.uint8), cover, "/".join(text), kind)
    photo, turns = _photographed(page, paper, rng), int(rng.integers(4)) if kind in TURNED else 0
    return Sheet(np.rot90(photo, turns).copy(), np.rot90(cover, turns).copy(), "/".join(text), kind, -turns % 4)


def _small(kind: str, size: float, pen: float, rng: Rng) -> tuple[float, float, int]:
    """Return the size, the pen and the fewest digits a row of a sheet that may lie any way up."""
    if kind == "turned":
        return min(size, 150.0), pen, 4
    if kind == "hairs":
        return min(size, 150.0), float(rng.uniform(1.0, 2.2)), 4
    return float(rng.uniform(35, 70)), float(rng.uniform(2.5, 4.5)), 4


def _envelope(page: Floats, cover: Floats, size: float, rng: Rng) -> tuple[Floats, Floats]:
    """Return a page (H, W, 3) and its strokes with stripes along two of its edges and printed words, faint, blurred."""
    deep, lean = size * rng.uniform(0.6, 1.6), rng.uniform(-1.0, 1.0)
    around = ((int(1.2 * deep),) * 2,) * 2
    page, cover = np.pad(page, (*around, (0, 0)), mode="edge"), np.pad(cover, around)
    height, width = cover.shape
    free = cv2.dilate((cover > 0.1).astype(np.uint8), np.ones((int(0.6 * size) | 1,) * 2, np.uint8)) == 0
    colours = np.array([[190, 50, 50], [40, 70, 150]], np.float32)
    for edge in rng.permutation(4)[:2]:
        printed = np.zeros((height, width) if edge % 2 else (width, height), np.uint8)
        for number, x in enumerate(np.arange(0, len(printed), deep * rng.uniform(0.9, 1.5))):
            thick = deep * rng.choice([0.15, 0.35, 0.6])
            corners = [(0, x), (0, x + thick), (deep, x + thick + lean * deep), (deep, x + lean * deep)]
            band = np.zeros_like(printed)
            cv2.fillPoly(band, [np.rint(np.array(corners) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
            place = band.T if edge % 2 == 0 else band
            place = (place[::-1, ::-1] if edge > 1 else place) * free
            share = place[..., None] / np.float32(255)
            page = page * (1 - share) + share * colours[number % 2]
    for word in ("STAMP", "To:", "Name", "POST"):
        place = np.zeros((height, width), np.uint8)
        where = (int(rng.uniform(0, 0.8) * width), int(rng.uniform(0.1, 0.95) * height))
        cv2.putText(place, word, where, cv2.FONT_HERSHEY_DUPLEX, size / 45, 255, 2, cv2.LINE_AA)
        place = place[::-1, ::-1] if rng.random() < 0.5 else place
        near = cv2.dilate(place, np.ones((9, 9), np.uint8)) > 0
        if free[near].all():
            page = page * (1 - place[..., None] / np.float32(255)) + place[..., None] / np.float32(255) * colours[1]
    faint = float(rng.uniform(0.5, 1.0))
    paper = np.median(page.reshape(-1, 3)[::97], axis=0).astype(np.float32)
    page = cv2.GaussianBlur(paper + faint * (page - paper), (0, 0), float(rng.uniform(0.5, 1.5)))
    return np.asarray(page, np.float32), cover


def _pressed(cover: Floats, size: float, rng: Rng) -> Floats:
    """Return strokes (H, W) of a pen that presses less here and there, and on half of the sheets skips there."""
    field = cv2.GaussianBlur(rng.normal(0, 1, cover.shape).astype(np.float32), (0, 0), size * rng.uniform(0.1, 0.3))
    least = rng.uniform(0.15, 0.5)
    pressure = np.clip(0.6 + 0.35 * field / field.std(), least, 1.0)
    if rng.random() < 0.5:
        grain = cv2.GaussianBlur(
            rng.normal(0, 1, cover.shape).astype(np.float32), (0, 0), size * rng.uniform(0.03, 0.06)
        )
        pressure = np.where(grain < -rng.uniform(0.8, 1.3) * grain.std(), 0.0, pressure)
    return np.asarray(cover * pressure, dtype=np.float32)


def _dry(cover: Floats, size: float, rng: Rng) -> Floats:
    """Return strokes (H, W) of a ball that presses less here and there, where the grain of the paper shows."""
    slow, grain = (
        cv2.GaussianBlur(rng.normal(0, 1, cover.shape).astype(np.float32), (0, 0), sigma)
        for sigma in (size * rng.uniform(0.1, 0.4), rng.uniform(0.6, 1.2))
    )
    pressure = np.clip(0.6 + 0.4 * slow / slow.std(), 0.25, 1.0)
    rough = np.clip(1.0 + (1.0 - pressure) * grain / grain.std(), 0.0, 1.0)
    return np.asarray(cover * pressure * rough, dtype=np.float32)


def _width(writing: Writing) -> float:
    extent = np.ptp(np.concatenate(writing.strokes), axis=0)
    return float(extent[0] / max(extent.max(), 1e-6))


def _write(
    cover: Floats,
    writing: Writing,
    x: float,
    y: float,
    slope: float,
    size: float,
    pen: float,
    rng: Rng,
    press: float = 0.0,
) -> float:
    """Draw a character with its left edge at x, and return where the next one begins; `press` varies the pen."""
    points = np.concatenate(writing.strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = size * rng.uniform(0.85, 1.15) / max(float(extent.max()), 1e-6)
    middle = y + slope * (x - cover.shape[1] / 2) + rng.normal(0.0, 0.05) * size
    corner = np.array([x, middle - extent[1] * scale / 2])
    drawn = np.zeros(cover.shape, np.uint8)
    for stroke in writing.strokes:
        places = np.rint(((stroke - low) * scale + corner) * 16).astype(np.int32)
        if press:
            _press(drawn, places / 16, size, pen, press, rng)
            continue
        cv2.polylines(drawn, [np.repeat(places, 2, axis=0)], False, 255, max(1, round(pen)), cv2.LINE_AA, 4)
    np.maximum(cover, drawn.astype(np.float32) / 255, out=cover)
    return float(x + extent[0] * scale + size * rng.uniform(0.22, 0.6) + pen)


def _press(
    drawn: NDArray[np.uint8], stroke: NDArray[np.float64], size: float, pen: float, much: float, rng: Rng
) -> None:
    """Draw a stroke (N, 2), in pixels, with a pen whose width wanders as it presses."""
    line = stroke.astype(np.float32)
    length = float(strokes.lengths(line)[-1])
    points = strokes.evenly(line, max(2, int(2 * length)))
    pressure = strokes.wandering(length / size, len(points), rng)
    strokes.stamp(drawn, points, np.clip(pen * np.exp(much * pressure), 1.5, 0.25 * size))


def _paper(kind: str, cover: Floats, pitch: float, top: float, pen: float, rng: Rng) -> Floats:
    """Return the sheet in colours (H, W, 3), 0 to 255, evenly lit."""
    height, width = cover.shape
    ground = rng.uniform(205, 250) + rng.uniform(-8, 8, 3)
    ink = np.array([[30, 30, 35], [25, 40, 120], [150, 30, 40], [70, 70, 75]], np.float64)[rng.integers(4)]
    if kind == "coloured":
        ground = np.array([[250, 235, 120], [250, 180, 190], [170, 215, 245], [185, 235, 170]], float)[rng.integers(4)]
    if kind == "board":
        ground, ink = np.array([40, 60, 52]) + rng.uniform(-12, 12, 3), np.array([235, 235, 228.0])
    page = np.tile(ground.astype(np.float32), (height, width, 1))
    rule = (0.45 * ground + 0.55 * np.array([120, 160, 215])).astype(np.float32)
    thick = max(1, round(0.0018 * height))
    if kind in ("ruled", "squared"):
        step = pitch if kind == "ruled" else pitch / rng.integers(2, 5)
        first = (top + 0.62 * pitch) % step
        for y in np.arange(first, height, step):
            page[int(y) : int(y) + thick] = rule
        if kind == "squared":
            for x in np.arange(rng.uniform(0, step), width, step):
                page[:, int(x) : int(x) + thick] = rule
    if kind == "table":
        lines = np.zeros((height, width), np.uint8)
        for y in np.arange(max(2.0, top - 0.3 * pitch), height - 2, pitch):
            wave = [(x, y + rng.normal(0, 0.01) * pitch) for x in np.linspace(0.01 * width, 0.99 * width, 8)]
            cv2.polylines(lines, [np.rint(np.array(wave) * 16).astype(np.int32)], False, 255, thick + 1, cv2.LINE_AA, 4)
        page += (lines[..., None] / np.float32(255)) * (ink - ground).astype(np.float32)
    printed = {"sloping": _sloping, "grid": _grid, "form": _form}.get(kind)
    if printed:
        lines, dark = printed(cover, pitch, top, pen, rng)
        page += dark * lines[..., None] * (ink - ground).astype(np.float32)
    return page * (1 - cover[..., None]) + cover[..., None] * ink.astype(np.float32)


def _curve(lines: NDArray[np.uint8], points: Floats, thick: float) -> None:
    """Draw a line of any thickness through `points` (N, 2)."""
    places = np.rint(points * 16).astype(np.int32)
    cv2.polylines(lines, [places], False, 255, max(1, round(thick)), cv2.LINE_AA, 4)


def _sloping(cover: Floats, pitch: float, top: float, pen: float, rng: Rng) -> tuple[Floats, float]:
    """Return rules (H, W) that slope up to 10 degrees, fan out, bend and end early, and how dark they are."""
    height, width = cover.shape
    lines = np.zeros(cover.shape, np.uint8)
    slope, fan, bend = np.tan(np.deg2rad(rng.uniform(-10, 10))), rng.normal(0, 0.03), rng.normal(0, 0.02)
    thick, step = rng.uniform(1.0, max(1.5, min(pen, 6.0))), pitch * rng.choice([0.5, 1.0, 1.0])
    margins = rng.uniform(-0.1, 0.2, 2) * width
    for y in np.arange(top - 0.5 * width * abs(slope) - pitch, height + 0.5 * width * abs(slope), step):
        left, right = margins[0] + rng.normal(0, 0.01) * width, width - margins[1] + rng.normal(0, 0.01) * width
        x = np.linspace(left, right, 30)
        across = x / width - 0.5
        rise = (slope + fan * (y / height - 0.5)) * across + bend * across**2
        _curve(lines, np.stack([x, y + 0.62 * pitch + rise * width], axis=1), thick)
    return lines / np.float32(255), float(rng.uniform(0.4, 1.0))


def _grid(cover: Floats, pitch: float, top: float, pen: float, rng: Rng) -> tuple[Floats, float]:
    """Return a table (H, W) drawn by hand in the writer's own pen, its rules as close as the writing allows."""
    height, width = cover.shape
    lines = np.zeros(cover.shape, np.uint8)
    columns = np.arange(rng.uniform(0.01, 0.05) * width, width, pitch * rng.uniform(2.5, 6.0))
    columns = _between_digits(cover, columns, 0.15 * pitch)
    rules = np.arange(max(3.0, top - 0.25 * pitch), height - 3, pitch)
    low, high = rules[0], rules[-1]
    left, right = columns[0] if len(columns) else 0.02 * width, columns[-1] if len(columns) > 1 else 0.97 * width

    def wave() -> Floats:
        return np.asarray(np.cumsum(rng.normal(0, 0.012, 12)) * pitch + np.linspace(0, rng.normal(0, 0.15), 12) * pitch)

    def over() -> float:
        return float(rng.uniform(-0.03, 0.12)) * pitch

    for y in rules:
        ends = np.linspace(left - over(), right + over(), 12)
        _curve(lines, np.stack([ends, y + wave()], axis=1), pen)
    for x in columns:
        ends = np.linspace(low - over(), max(high, low + pitch) + over(), 12)
        _curve(lines, np.stack([x + wave(), ends], axis=1), pen)
    return lines / np.float32(255), 1.0


def _between_digits(cover: Floats, columns: Floats, margin: float) -> Floats:
    """Return the columns, moved by up to four margins to where no stroke is near; those left out that find no room."""
    inked = np.flatnonzero(cover.max(axis=0) > 0.1)
    free = []
    for column in columns:
        places = column + margin * np.array([0, -1, 1, -2, 2, -3, 3, -4, 4])
        room = [x for x in places if x > 1 and not ((inked > x - margin) & (inked < x + margin)).any()]
        free += room[:1]
    return np.array(free, np.float32)


def _form(cover: Floats, pitch: float, top: float, pen: float, rng: Rng) -> tuple[Floats, float]:
    """Return a printed frame (H, W) round the writing with dark rules in it, a little turned."""
    height, width = cover.shape
    lines = np.zeros(cover.shape, np.uint8)
    slope, thick = np.tan(np.deg2rad(rng.normal(0, 2.5))), rng.uniform(1.0, 4.0)
    near, far = 0.015 * width, 0.985 * width
    sides = _between_digits(cover, np.array([near, far], np.float32), 0.5 * abs(slope) * height + 4.0)
    first = max(4.0, top - 0.2 * pitch)
    for y in np.arange(first, height - 4, pitch):
        ends = np.array([[x, y + slope * (x - width / 2)] for x in (near, far)])
        _curve(lines, ends, thick)
    for x in sides:
        ends = np.array([[x + slope * height / 4, first], [x - slope * height / 4, height - 6.0]])
        _curve(lines, ends, thick * rng.choice([1.0, 2.0]))
    return lines / np.float32(255), float(rng.uniform(0.6, 1.0))


def _on_desk(page: Floats, cover: Floats, rng: Rng) -> tuple[Floats, Floats]:
    """Return the page and its strokes with a desk around them: darker or lighter, plain or of wood."""
    height, width = cover.shape
    margin = int(rng.uniform(0.03, 0.15) * min(height, width))
    around = ((margin, margin), (margin, margin))
    page, cover = np.pad(page, (*around, (0, 0)), mode="edge"), np.pad(cover, around)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [width, height] + margin
    corners = corners + rng.uniform(-0.9, 0.3, (4, 2)) * margin * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    inside = np.zeros(cover.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    colour = np.array([[120, 85, 60], [60, 60, 65], [165, 140, 110], [252, 252, 250]])[rng.integers(4)]
    grain = cv2.GaussianBlur(rng.normal(0, 1, cover.shape).astype(np.float32), (0, 0), sigmaX=40, sigmaY=2)
    desk = colour + (grain / grain.std() * rng.uniform(0, 8))[..., None]
    share = inside[..., None].astype(np.float32) / 255
    return (page * share + desk * (1 - share)).astype(np.float32), cover


def ink_found(picture: NDArray[np.uint8], cover: Floats) -> tuple[float, float]:
    """Return which share of the ink found lies on strokes, and which share of the strokes has ink, each to a pixel."""
    image = Image.fromarray(picture)
    found = inks.from_picture(inks.reduced(image)) > 0.4
    truth = cv2.resize(cover, found.shape[::-1], interpolation=cv2.INTER_AREA) > 0.4
    near = np.ones((5, 5), np.uint8)
    on = found & (cv2.dilate(truth.astype(np.uint8), near) > 0)
    seen = truth & (cv2.dilate(found.astype(np.uint8), near) > 0)
    return float(on.sum() / max(1, found.sum())), float(seen.sum() / max(1, truth.sum()))


def _photographed(page: Floats, kind: str, rng: Rng) -> NDArray[np.uint8]:
    height, width = page.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)  # type: ignore[misc]
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * x + np.sin(angle) * y
    light = 1 - rng.uniform(0.0, 0.15) * across - rng.uniform(0.0, 0.15) * (x * x + y * y)
    if kind == "shadow":
        edge = (across > rng.uniform(-0.6, 0.6)).astype(np.float32)
        light *= 1 - rng.uniform(0.2, 0.5) * cv2.GaussianBlur(edge, (0, 0), rng.uniform(0.002, 0.06) * width)
    if kind == "strip":
        light *= _strip(x, y, angle, rng)
    photo = page * light[..., None] + rng.normal(0, rng.uniform(0.5, 4), page.shape)
    photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.3, 1.0))
    stream = io.BytesIO()
    Image.fromarray(np.clip(np.rint(photo), 0, 255).astype(np.uint8)).save(
        stream, "JPEG", quality=int(rng.integers(60, 95))
    )
    return np.asarray(Image.open(stream).convert("RGB"))


def _strip(x: Floats, y: Floats, angle: float, rng: Rng) -> Floats:
    """Return the light (H, W) beside a strip of shadow, or of light, that widens; each edge hard or soft."""
    inside = np.ones_like(x)
    middle, half = rng.uniform(-0.5, 0.5), rng.uniform(0.04, 0.4)
    for side in (-1, 1):
        lean = angle + rng.uniform(-0.4, 0.4)
        beyond = side * (np.cos(lean) * x + np.sin(lean) * y - middle) - half
        inside = inside / (1.0 + np.exp(np.clip(beyond / np.exp(rng.uniform(np.log(0.002), np.log(0.1))), -50, 50)))
    deep = rng.uniform(0.2, 0.5)
    return np.asarray(1.0 - deep * (inside if rng.random() < 0.7 else 1.0 - inside), np.float32)


def distance(a: str, b: str) -> int:
    """Return the edit distance of two texts."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
    return row[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Read sheets of digits made for this.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="reader")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--count", type=int, default=20, help="sheets of each kind")
    parser.add_argument("--save", type=Path, help="folder for the sheets, named by what is written and what is read")
    options = parser.parse_args()
    held_out = [w for w in strokes.load(options.folder) if strokes.held_out(w.writer)]
    writers, letters = material(held_out)
    predictor = registry.predictor(options.model)
    print(f"{len(writers)} writers, {options.count} sheets of each kind, {options.model}")
    for kind in options.kinds:
        digits = wrong = right = 0
        inked = []
        began = time.process_time()
        for number in range(options.count):
            made = numbered(writers, letters, kind, number)
            said = reading.read(Image.fromarray(made.picture), predictor, finder=registry.finder()).text
            inked.append(ink_found(made.picture, made.cover))
            truth, flat = made.text.replace("/", ""), said.replace("/", "")
            digits, right = digits + len(truth), right + (truth == flat)
            wrong += min(len(truth), distance(truth, flat))
            if options.save:
                options.save.mkdir(parents=True, exist_ok=True)
                name = f"{kind}-{number}-{made.text.replace('/', '_')}-read-{said.replace('/', '_')[:60]}.jpg"
                Image.fromarray(made.picture).save(options.save / name)
        seconds = (time.process_time() - began) / options.count
        shares = f"accuracy {1 - wrong / digits:7.2%}  all right {right / options.count:5.0%}"
        on, seen = np.mean(inked, axis=0)
        print(f"{kind:9s} {digits:4d} digits  {shares}  ink on strokes {on:.1%}, strokes found {seen:.1%}  ", end="")
        print(f"{seconds:.2f} s a sheet, made and read")


if __name__ == "__main__":
    main()
