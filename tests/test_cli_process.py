"""The command line as a process of its own: what it prints, and when."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]


def program(*words: str, cwd: Path = PROJECT) -> "subprocess.CompletedProcess[bytes]":
    """Run the command as people do."""
    return subprocess.run([sys.executable, "-m", "digitrec", *words], capture_output=True, cwd=cwd, timeout=60)


def test_reading_prints_nothing_but_the_answer(digit, tiny_model):
    done = program("read", "--single", str(digit))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(os.fsencode(f"{digit}: "))


def test_a_photo_is_read_without_a_word_of_the_libraries(digit, tiny_model, tmp_path):
    """LiteRT for one has something to tell about each model that it opens."""
    pixels = np.asarray(Image.open(digit).resize((600, 600))).astype(float)
    noise = np.random.default_rng(0).normal(0, 6, pixels.shape) - 40
    photo = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    files = [str(tmp_path / f"photo.{ending}") for ending in ("jpg", "pdf", "webp", "tif", "gif")]
    for file in files:
        photo.save(file)
    done = program("read", *files)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == len(files)


def test_why_a_model_cannot_be_opened_is_printed(digit, tiny_model, home):
    damaged = home / "models" / tiny_model / "model.tflite"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    damaged.write_bytes(content)
    done = program("read", "--model", tiny_model, str(digit))
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"digitrec: The model " in done.stderr
    assert b"damaged" in done.stderr
    assert b"Traceback" not in done.stderr


def test_names_with_odd_characters_are_printed(digit, tiny_model):
    folder = digit.parent / "odd"
    folder.mkdir()
    for name in (b"caf\xe9.png", "ж 7 \U0001f600.png".encode(), b"new\nline.png", b"-dash.png"):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(digit.read_bytes())
    listed = program("read", "--format", "jsonl", str(folder))
    assert listed.returncode == 0, listed.stderr
    names = {
        os.fsencode(Path(str(answer["file"])).name)
        for answer in map(json.loads, listed.stdout.decode("ascii").splitlines())
    }
    assert names == set(os.listdir(os.fsencode(folder)))
    shown = program("read", str(folder))
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) == 4
    assert b"caf\xe9.png: " in shown.stdout


def test_a_closed_pipe_ends_it_quietly(digit, tiny_model):
    files = [str(digit)] * 300
    command = [sys.executable, "-m", "digitrec", "read", *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(os.fsencode(digit))
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(60) == 0
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_each_line_comes_as_soon_as_it_is_read(digit, tiny_model, tmp_path):
    """The second picture is a pipe that is fed only after the first one's answer has come."""
    pipe = tmp_path / "second.png"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "digitrec", "read", str(digit), str(pipe)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=PROJECT) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(os.fsencode(digit))
        pipe.write_bytes(digit.read_bytes())
        assert process.stdout.readline().startswith(os.fsencode(pipe))
        assert process.wait(60) == 0


def test_read_starts_without_tensorflow_streamlit_and_plotly(digit, tiny_model):
    code = (
        "import sys; from digitrec.cli import main; main(sys.argv[1:]);"
        "print(sorted({'tensorflow', 'keras', 'streamlit', 'plotly', 'scipy', 'pillow_heif'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "read", str(digit)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
