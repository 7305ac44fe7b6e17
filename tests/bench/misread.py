"""What `reader` still gets wrong among cases drawn by hand: `python -m tests.bench.misread` renews docs/misread.png."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitrec.recognition import pipeline, results
from digitrec.registry import registry
from digitrec.settings import PROJECT

SIDE = 280
Points = list[tuple[float, float]]


def arc(x: float, y: float, across: float, down: float, first: float, last: float) -> Points:
    """Return points on an ellipse about (x, y), from one angle to another in degrees, clockwise from the right."""
    angles = np.deg2rad(np.linspace(first, last, 40))
    return [(x + across * np.cos(a), y + down * np.sin(a)) for a in angles]


CASES: dict[str, tuple[str, list[Points]]] = {
    "1, long flat nose": ("1", [[(60, 125), (120, 105), (185, 55)], [(185, 55), (185, 235)]]),
    "1, nose level": ("1", [[(95, 75), (160, 60), (165, 235)]]),
    "1, nose and foot": ("1", [[(80, 130), (145, 50), (145, 230)], [(80, 230), (205, 230)]]),
    "7, crossed": ("7", [[(75, 60), (200, 60), (120, 235)], [(95, 150), (190, 140)]]),
    "7, hook and foot": ("7", [[(75, 90), (75, 60), (200, 60), (120, 235)], [(85, 235), (160, 235)]]),
    "6, small loop": ("6", [[(170, 45), (120, 130), (105, 200)], arc(128, 207, 24, 24, 180, 540)]),
    "6, open": ("6", [[(175, 50), (115, 110), (95, 180)], arc(138, 190, 42, 42, 180, -110)]),
    "9, small loop": ("9", [arc(140, 80, 24, 24, 0, 360), [(164, 80), (160, 160), (150, 235)]]),
    "9, tail curled": ("9", [arc(140, 95, 42, 45, 0, 360), [(182, 95), (184, 200)], arc(140, 200, 44, 36, 0, 150)]),
    "4, closed at the top": ("4", [[(165, 235), (165, 45), (85, 165), (210, 165)]]),
    "4, no crossing": ("4", [[(150, 45), (80, 160), (160, 160)], [(165, 120), (160, 235)]]),
    "8, square": ("8", [[(90, 50), (190, 50), (190, 230), (90, 230), (90, 50)], [(90, 140), (190, 140)]]),
    "8, not closed": ("8", [arc(140, 95, 38, 42, -20, 250), arc(140, 185, 44, 46, -80, 250)]),
    "5, bar apart": ("5", [[(100, 75), (95, 135)], arc(130, 180, 52, 50, -120, 140), [(118, 60), (200, 52)]]),
    "2, like Z": ("2", [[(85, 70), (195, 70), (85, 225), (200, 225)]]),
    "0, slashed": ("0", [arc(140, 140, 55, 85, 0, 360), [(80, 230), (200, 50)]]),
    "3, flat top": ("3", [[(85, 60), (195, 60), (130, 125)], arc(130, 178, 55, 54, -90, 140)]),
    "letter b": ("?", [[(105, 45), (105, 230)], arc(142, 185, 40, 45, 180, 540)]),
    "letter y": ("?", [[(90, 70), (140, 150)], [(200, 70), (110, 240)]]),
    "letter G": ("?", [arc(145, 140, 62, 82, -45, -330), [(198, 180), (198, 150), (150, 150)]]),
    "letter a": ("?", [arc(132, 165, 48, 48, 0, 360), [(180, 115), (180, 215), (200, 222)]]),
    "letter B": ("?", [[(95, 50), (95, 230)], arc(100, 95, 70, 45, -90, 90), arc(100, 185, 85, 45, -90, 90)]),
    "letter L": ("?", [[(95, 50), (95, 225), (190, 225)]]),
    "two digits": ("?", [[(85, 80), (85, 205)], arc(165, 142, 36, 62, 0, 360)]),
}


def drawn(lines: list[Points]) -> NDArray[np.uint8]:
    """Return lines drawn as on the canvas: uint8 (280, 280, 4)."""
    ink = np.zeros((SIDE, SIDE), np.uint8)
    for line in lines:
        cv2.polylines(ink, [np.rint(np.array(line) * 16).astype(np.int32)], False, 255, 16, cv2.LINE_AA, 4)
    return np.dstack([255 - ink] * 3 + [np.full_like(ink, 255)])


def main() -> None:
    predictor = registry.predictor("reader")
    wrong = []
    for name, (truth, lines) in CASES.items():
        picture = drawn(lines)
        [digit] = pipeline.read_canvas(picture, predictor).digits
        answer = "?" if digit.flag == results.NOT_A_DIGIT else str(digit.digit)
        print(f"{'ok   ' if answer == truth else 'WRONG'} {name:22s} {truth} read {answer} ({digit.confidence:.0%})")
        if answer != truth:
            wrong.append((f"{name}: {answer}", picture))
    print(f"{len(wrong)} of {len(CASES)} wrong")
    across, font = min(6, max(1, len(wrong))), ImageFont.load_default(15)
    sheet = Image.new("RGB", (across * 160, -(-len(wrong) // across) * 190), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (caption, picture) in enumerate(wrong):
        x, y = place % across * 160, place // across * 190
        sheet.paste(Image.fromarray(picture[..., :3]).resize((140, 140)), (x + 10, y + 10))
        pen.rectangle((x + 10, y + 10, x + 150, y + 150), outline="#999999")
        pen.text((x + 10, y + 158), caption, "#1B2733", font)
    sheet.save(PROJECT / "docs" / "misread.png")


if __name__ == "__main__":
    main()
