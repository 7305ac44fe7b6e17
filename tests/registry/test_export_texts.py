from digitrec.registry import registry
from digitrec.registry.export_texts import CHECK, READ, model_readme


def test_the_script_is_ten_lines_below_its_imports():
    for script in READ.values():
        code = [line for line in script.split("from PIL")[1].splitlines()[1:] if line and not line.startswith("#")]
        assert len(code) <= 11, code


def test_scripts_are_python():
    for script in (*READ.values(), *CHECK.values()):
        compile(script, "script", "exec")


def test_the_text_says_whether_the_model_is_calibrated():
    card = registry.get("reader").card
    assert f"{card['calibration']['temperature']:.4f}" in model_readme(card, "onnx", 0.001)
    older = {key: value for key, value in card.items() if key != "calibration"}
    assert "Not calibrated" in model_readme(older, "savedmodel", 0.001)
