"""The command line: `read`, `models` and `recipes`, in this process and as a process of its own."""

import json
import os
import re
from pathlib import Path

import pytest
from PIL import Image

import digitrec
from digitrec import cli
from digitrec.recognition import pipeline, results
from digitrec.training.presets import PRESETS

PROJECT = Path(__file__).resolve().parents[1]


def answers(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_jsonl_is_as_the_contract_has_it(digit, tiny_model, capsys):
    assert cli.main(["read", "--model", tiny_model, "--single", "--format", "jsonl", str(digit)]) == 0
    [answer] = answers(capsys.readouterr().out)
    assert list(answer) == ["file", "model", "text", "digits", "error", "angle"]
    assert answer["file"] == str(digit)
    assert answer["model"] == tiny_model
    assert answer["error"] is None
    [found] = answer["digits"]
    assert list(found) == ["row", "box", "digit", "confidence", "probabilities", "is_digit", "flag"]
    assert found["row"] == 0
    x, y, width, height = found["box"]
    assert 10 <= x <= 15
    assert 8 <= y <= 12
    assert 40 <= x + width <= 50
    assert 48 <= y + height <= 55
    assert answer["text"] == str(found["digit"])
    assert len(found["probabilities"]) == 10
    assert sum(found["probabilities"]) == pytest.approx(1.0, abs=1e-4)
    assert found["confidence"] == max(found["probabilities"])
    assert found["flag"] in (None, "uncertain")


def test_a_rotated_picture_has_its_angle_and_corners(digit, tiny_model, capsys, monkeypatch):
    """The angle is given here, as the detector may find another one."""
    as_it_is = pipeline.read
    monkeypatch.setattr(pipeline, "read", lambda image, model, single, _: as_it_is(image, model, single, angle=44.6))
    assert cli.main(["read", "--model", tiny_model, "--single", "--format", "jsonl", str(digit)]) == 0
    [answer] = answers(capsys.readouterr().out)
    assert answer["angle"] == 44.6
    [found] = answer["digits"]
    assert list(found)[:4] == ["row", "box", "corners", "digit"]
    assert [len(corner) for corner in found["corners"]] == [2, 2, 2, 2]


def test_a_notice_is_reported_once_and_apart_from_the_readings(digit, tiny_model, capsys, monkeypatch):
    notices = iter(["No detector.", "No detector.", None, "Another."])

    def read(image, model, single, finder):
        return results.Reading((9, 9), (9, 9), 0.0, (), notice=next(notices))

    monkeypatch.setattr(pipeline, "read", read)
    assert cli.main(["read", "--format", "jsonl", *[str(digit)] * 4]) == 0
    captured = capsys.readouterr()
    assert len(answers(captured.out)) == 4
    assert captured.err.splitlines() == ["digitrec: No detector.", "digitrec: Another."]


def test_text_is_a_line_a_picture(digit, tiny_model, tmp_path, capsys):
    Image.new("RGB", (40, 40), "white").save(tmp_path / "blank.png")
    assert cli.main(["read", str(digit), str(tmp_path / "blank.png")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{digit}: ")
    assert first.removeprefix(f"{digit}: ")[0].isdigit()
    assert second == f"{tmp_path / 'blank.png'}: no digit found"


def test_a_bad_picture_has_its_sentence_and_the_others_are_read(digit, tiny_model, tmp_path, capsys):
    (tmp_path / "empty.png").touch()
    (tmp_path / "note.png").write_text("not a picture")
    (tmp_path / "folder").mkdir()
    names = [
        str(digit),
        *(str(tmp_path / name) for name in ("empty.png", "none.png", "note.png", "folder")),
        str(digit),
    ]
    assert cli.main(["read", "--format", "jsonl", *names]) == 1
    found = answers(capsys.readouterr().out)
    assert [answer["file"] for answer in found] == names
    assert [answer["error"] is None for answer in found] == [True, False, False, False, False, True]
    for answer in found[1:-1]:
        assert answer["text"] == ""
        assert answer["digits"] == []
        assert str(answer["error"]).endswith((".", "bytes.", "picture."))
        assert str(tmp_path) not in str(answer["error"])


def test_a_pdf_has_a_line_a_page(digit, tiny_model, tmp_path, capsys):
    scan = tmp_path / "scan.pdf"
    page = Image.open(digit)
    page.save(scan, save_all=True, append_images=[Image.new("L", page.size, 255)])
    assert cli.main(["read", str(scan), str(digit)]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{scan}, page 1: ")
    assert second == f"{scan}, page 2: no digit found"
    assert third.startswith(f"{digit}: ")
    scan.write_bytes(scan.read_bytes()[:200])
    assert cli.main(["read", "--format", "jsonl", str(scan), str(digit)]) == 1
    broken, good = answers(capsys.readouterr().out)
    assert (broken["file"], broken["page"]) == (str(scan), 1)
    assert "damaged" in str(broken["error"])
    assert "page" not in good


def test_a_tiff_has_a_line_a_page_and_its_number(digit, tiny_model, tmp_path, capsys):
    scan, single = tmp_path / "scan.tif", tmp_path / "single.tif"
    page = Image.open(digit)
    page.save(scan, save_all=True, append_images=[Image.new("L", page.size, 255), page])
    page.save(single)
    assert cli.main(["read", str(scan), str(single)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(": ")[0] for line in lines] == [*(f"{scan}, page {n}" for n in (1, 2, 3)), str(single)]
    assert lines[1].endswith(": no digit found")
    assert lines[0].rpartition(": ")[2] == lines[2].rpartition(": ")[2]
    assert cli.main(["read", "--format", "jsonl", str(scan), str(single)]) == 0
    found = answers(capsys.readouterr().out)
    assert [(answer["file"], answer["page"]) for answer in found] == [
        *((str(scan), n) for n in (1, 2, 3)),
        (str(single), 1),
    ]


def test_the_pages_beyond_the_limit_are_reported_once(digit, tiny_model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("digitrec.imaging.documents.MOST_PAGES", 2)
    page = Image.open(digit)
    for ending in ("pdf", "tif"):
        page.save(tmp_path / f"scan.{ending}", save_all=True, append_images=[page] * 4)
        assert cli.main(["read", "--format", "jsonl", str(tmp_path / f"scan.{ending}")]) == 1
        first, second, beyond = answers(capsys.readouterr().out)
        assert (first["error"], second["error"], beyond["page"]) == (None, None, 3)
        assert beyond["error"] == "Only the first 2 pages of a file are read. Split the file to read the others."


def test_a_note_on_a_file_stands_in_its_json_and_beside_the_readings(digit, tiny_model, tmp_path, capsys):
    blank, seven = Image.new("L", (60, 60), 255), Image.open(digit)
    blank.save(tmp_path / "a.gif", save_all=True, append_images=[seven, blank])
    seven.save(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:-4])
    files = [str(tmp_path / "a.gif"), str(tmp_path / "b.jpg"), str(tmp_path / "b.jpg"), str(digit)]
    assert cli.main(["read", "--format", "jsonl", "--single", *files]) == 0
    captured = capsys.readouterr()
    found = answers(captured.out)
    cut = "The file is cut off; what is there was read."
    frame = "This is an animation: frame 2 of 3 was read, the first that is not blank."
    assert [answer.get("note") for answer in found] == [frame, cut, cut, None]
    assert "note" not in found[-1]
    assert len({answer["text"] for answer in found}) == 1
    assert captured.err.splitlines() == [
        f"digitrec: {file}: {note}" for file, note in zip(files, (frame, cut, cut), strict=False)
    ]
    assert cli.main(["read", "--single", *files]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{file}: {found[0]['text']}" for file in files]


def test_errors_stand_in_text_too(tiny_model, tmp_path, capsys):
    assert cli.main(["read", str(tmp_path / "none.png")]) == 1
    assert (
        capsys.readouterr().out
        == f"{tmp_path / 'none.png'}: error: There is no such file. Check its name and folder.\n"
    )


def test_a_folder_is_read_in_natural_order(digit, tiny_model, tmp_path, capsys):
    folder = tmp_path / "digits"
    folder.mkdir()
    for name in ("digit10.png", "digit2.PNG", "digit1.png", ".hidden.png"):
        (folder / name).write_bytes(digit.read_bytes())
    (folder / "notes.txt").write_text("no picture")
    assert cli.main(["read", "--format", "jsonl", str(folder)]) == 0
    files = [Path(str(answer["file"])).name for answer in answers(capsys.readouterr().out)]
    assert files == ["digit1.png", "digit2.PNG", "digit10.png"]


@pytest.mark.parametrize(
    "words", [[], ["read"], ["read", "--format", "xml", "a.png"], ["paint"], ["read", "--epochs", "3"]]
)
def test_wrong_usage_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8501.0", "9" * 5000])
def test_a_port_that_is_none_is_wrong_usage(port, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["app", "--port", port])
    assert ended.value.code == 2
    assert "from 1 to 65535" in capsys.readouterr().err


def test_app_starts_streamlit_with_the_home_page(monkeypatch, tmp_path):
    """The pages of an installed package are opened in tests/test_package.py."""
    started = []
    monkeypatch.setattr("streamlit.web.cli.main", started.append)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITREC_HOME", "here")
    assert cli.main(["app", "--port", "8765"]) == 0
    assert cli.main(["app"]) == 0
    page = str(PROJECT / "streamlit_app.py")
    assert started == [["run", page, "--server.port=8765"], ["run", page]]
    assert os.environ["DIGITREC_HOME"] == str(tmp_path / "here")


def test_version_is_the_package_s(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"digitrec {digitrec.__version__}\n"


def test_an_unknown_model_is_wrong_usage(digit, tiny_model, capsys):
    assert cli.main(["read", "--model", "nobody", str(digit)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nobody" in captured.err
    assert tiny_model in captured.err


def test_models_lists_name_and_accuracy(tiny_model, capsys):
    assert cli.main(["models"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["model", "kind", "accuracy", "parameters"]
    [row] = [row.split() for row in rows if row.split()[0] == tiny_model]
    assert row[1] == "mlp"
    assert row[2].endswith("%")


def test_a_damaged_model_is_named_and_left_out(tiny_model, home, capsys):
    broken = home / "models" / "broken"
    broken.mkdir()
    (broken / "card.json").write_text("{")
    assert cli.main(["models"]) == 1
    captured = capsys.readouterr()
    assert "broken" in captured.err
    assert "broken" not in captured.out


def test_recipes_lists_the_published_ones(capsys):
    assert cli.main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(PRESETS)


@pytest.mark.usefixtures("small_trainings")
def test_train_tells_each_epoch_and_keeps_the_model(home, capsys):
    words = ["train", "mlp-128", "--epochs", "1", "--batch-size", "512", "--learning-rate", "0.004", "--seed", "3"]
    assert cli.main([*words, "--name", "quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch 1 of 1: loss ")
    assert re.match(r"quick: [6-9]\d\.\d\d", lines[1])
    card = json.loads((home / "models" / "quick" / "card.json").read_text())
    recipe = card["recipe"]
    assert (recipe["epochs"], recipe["batch_size"], recipe["learning_rate"], recipe["seed"]) == (1, 512, 0.004, 3)
    assert cli.main([*words, "--name", "quick"]) == 2
    assert "There is already a model quick" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "mlp-129"], "There is no recipe of this name"),
        (["train", "mlp-128", "--epochs", "0"], "Epochs must be a whole number from 1 to 200. Received: 0"),
        (["train", "mlp-128", "--learning-rate", "nan"], "The learning rate must be a number"),
        (["train", "mlp-128", "--name", "../x"], "A name has 1 to 40 letters"),
        (["evaluate", "nothing"], "There is no model 'nothing'"),
    ],
)
def test_what_cannot_be_trained_or_tested_is_refused_with_a_sentence(words, sentence, capsys):
    assert cli.main(words) == 2
    assert sentence in capsys.readouterr().err


def test_evaluate_prints_what_the_contract_has_and_what_the_card_says(capsys):
    assert cli.main(["evaluate", "mlp-128-128", "--format", "json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "model",
        "accuracy",
        "interval",
        "errors",
        "confusion",
        "parameters",
        "bytes",
        "milliseconds_per_digit",
    ]
    card = json.loads((PROJECT / "models" / "mlp-128-128" / "card.json").read_text())
    assert found["accuracy"] == pytest.approx(card["accuracy"])
    assert found["confusion"] == card["confusion"]
    assert found["bytes"] == card["bytes"]["model.tflite"]
    assert cli.main(["evaluate", "mlp-128-128"]) == 0
    assert "118,282" in capsys.readouterr().out
