"""Upload without a browser: files to choose, and what the page says of them."""

import io
import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from digitrec.datasets import mnist

TEST_DIGITS = (0, 1, 2, 3, 4)  # 7, 2, 1, 0, 4


def digit_file(place: int) -> bytes:
    image = Image.fromarray(255 - mnist.test()[0][place]).resize((140, 140))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def upload(page: AppTest, files: dict[str, bytes]) -> AppTest:
    uploader: Any = next(widget for widget in page.get("file_uploader") if widget.key == "files")
    uploader.set_value([(name, data, "image/png") for name, data in files.items()])
    page.run()
    assert not page.exception
    return page


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def press(page: AppTest, label: str, place: int = 0) -> None:
    [button for button in page.button if button.label == label][place].click()
    page.run()
    assert not page.exception


def change_annotations(page: AppTest, **fields: Any) -> None:
    """Change what was found in the first picture, as if it had been read so."""
    batch = page.session_state["batch"]
    key, annotations = next(iter(batch._annotations.items()))
    batch._annotations[key] = replace(annotations, **fields)
    page.run()
    assert not page.exception


def as_read(page: AppTest, places: Collection[int], **fields: Any) -> None:
    """Change the predictions of all models for some digits of the first picture."""
    annotations = next(iter(page.session_state["batch"]._annotations.values()))
    entries = [
        replace(entry, predictions={name: replace(digit, **fields) for name, digit in entry.predictions.items()})
        if place in places
        else entry
        for place, entry in enumerate(annotations.entries)
    ]
    change_annotations(page, entries=tuple(entries))


UNSURE: dict[str, Any] = {
    "flag": "uncertain",
    "probabilities": np.array([0, 0, 0, 0, 0.6, 0, 0, 0, 0, 0.4], np.float32),
    "digit": 4,
    "confidence": 0.6,
}


def left_out(page: AppTest) -> Any:
    """Return the toggle that shows rejected candidates, or None."""
    return next((toggle for toggle in page.toggle if (toggle.key or "").startswith("left_out_")), None)


def chooser(page: AppTest) -> Any:
    return next(box for box in page.selectbox if box.label == "Digit")


def chooser_or_none(page: AppTest) -> Any:
    return next((box for box in page.selectbox if box.label == "Digit"), None)


def picture(page: AppTest) -> Any:
    """Return the proto of the figure with the boxes."""
    return next(chart.proto for chart in page.get("plotly_chart") if chart.proto.alt.startswith("The picture."))


def boxes(page: AppTest) -> list[Any]:
    return list(json.loads(picture(page).spec)["layout"].get("shapes", []))


def pressed(page: AppTest, start: str) -> None:
    """Press the button whose key starts so."""
    next(button for button in page.button if (button.key or "").startswith(start)).click()
    page.run()
    assert not page.exception


def warnings(page: AppTest) -> str:
    return " ".join(element.value for element in page.warning)
