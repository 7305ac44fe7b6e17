"""What the canvas sends of a drawing, and what a page says in HTML."""

import base64
import io
from typing import Any

from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest


def drawing(*lines: list[tuple[int, int]], width: int = 280) -> dict[str, Any]:
    image = Image.new("RGBA", (width, 280), "white")
    for line in lines:
        ImageDraw.Draw(image).line(line, "black", 18, joint="curve")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    data = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
    return {"drawing": {"raw": {"objects": [{"type": "path"} for _ in lines]}, "data": data}, "backgroundFit": None}


def words(page: AppTest) -> str:
    """Return the page's HTML and Markdown."""
    return " ".join(element.proto.body for kind in ("html", "markdown") for element in page.get(kind))
