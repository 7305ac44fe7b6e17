"""`auto` is bfloat16 only where the processor has instructions for it."""

from pathlib import Path

import pytest

from digitrec.training import precision

OLD, NEW, NEWEST = "avx2 avx512f avx512_vnni", "avx2 avx512f avx512_bf16", "avx2 amx_bf16 amx_tile"


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which Linux describes the processor, to be written."""
    monkeypatch.setattr(precision, "CPU", tmp_path / "cpuinfo")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    return tmp_path / "cpuinfo"


@pytest.mark.parametrize(("flags", "chosen"), [(OLD, "float32"), (NEW, "bfloat16"), (NEWEST, "bfloat16")])
def test_auto_follows_the_processors_flags(processor: Path, flags: str, chosen: str) -> None:
    processor.write_text(f"processor\t: 0\nmodel name\t: avx512_bf16\nflags\t\t: fpu {flags} sse\n")
    assert precision.computed("auto") == chosen


@pytest.mark.parametrize(
    ("limit", "chosen"),
    [
        ("AVX2", "float32"),
        ("avx512_core_vnni", "float32"),
        ("AVX512_CORE_BF16", "bfloat16"),
        ("ALL", "bfloat16"),
        ("", "bfloat16"),
    ],
)
def test_auto_follows_the_limit_for_onednn(
    processor: Path, monkeypatch: pytest.MonkeyPatch, limit: str, chosen: str
) -> None:
    processor.write_text(f"flags\t\t: {NEW}\n")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert precision.computed("auto") == chosen


def test_without_a_description_of_the_processor_it_is_float32(processor: Path) -> None:
    assert not processor.exists()
    assert precision.computed("auto") == "float32"


@pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
def test_what_a_recipe_names_is_used_on_any_processor(processor: Path, chosen: str) -> None:
    processor.write_text(f"flags\t\t: {OLD}\n")
    assert precision.computed(chosen) == chosen
