"""A model is what it says it is, on every runtime, and on a device with too little memory."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from tests.conftest import noise
from tests.tiny_models import SOURCES, write_mask_model, write_waveform_model
from unbraid import ModelError, Separator, UsageError
from unbraid.inference import runtimes
from unbraid.inference.model import FilterBank, ModelFacts
from unbraid.inference.network import Network
from unbraid.inference.runtimes import ONNXRuntime, OutOfDeviceMemoryError
from unbraid.inference.shipped_models import find_model, shipped_models


def test_the_facts_are_read_from_the_file(mask_model: Path) -> None:
    facts = ModelFacts.read(mask_model)
    assert facts.sources == SOURCES
    assert facts.filter_bank == FilterBank(256, 64, ((1, 128),))
    assert facts.sums_to_the_song


def test_the_facts_are_those_that_onnx_reads(mask_model: Path) -> None:
    said = {entry.key: entry.value for entry in onnx.load(mask_model).metadata_props}
    assert ModelFacts.parse(said["unbraid"], "model") == ModelFacts.read(mask_model)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": 3}, "update unbraid"),
        ({"format": 1}, "export it again"),
        ({"sources": ["vocals", "vocals"]}, "sources"),
        ({"sources": []}, "sources"),
        ({"output": "magic"}, "magic"),
        ({"channels": 6}, "out of range"),
        ({"sample_rate": "fast"}, "wrong or missing"),
        ({"licence": None, "stride": 0}, "out of range"),
        ({"context": 100}, "grid"),
        ({"filter_bank": {"window": 256, "hop": 100, "bands": [[1, 128]]}}, "does not divide"),
        ({"filter_bank": {"window": 256, "hop": 64, "bands": [[1, 4]]}}, "bands cover"),
    ],
)
def test_a_model_that_contradicts_itself(tmp_path: Path, changed: dict[str, object], words: str) -> None:
    said = json.loads(onnx.load(write_mask_model(tmp_path / "model.onnx")).metadata_props[0].value)
    with pytest.raises(ModelError, match=words):
        ModelFacts.parse(json.dumps(said | changed), "model")


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 100, b"PK\x03\x04 a zip file", b"\x72\xff\xff\x7f"])
def test_what_is_no_model(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx"):
        Separator(tmp_path / "model.onnx")


def test_somebody_elses_model(tmp_path: Path, mask_model: Path) -> None:
    model = onnx.load(mask_model)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ModelError, match="unbraid export"):
        Separator(tmp_path / "other.onnx")


def test_a_body_that_is_not_what_the_facts_say(tmp_path: Path, mask_model: Path) -> None:
    model = onnx.load(mask_model)
    said = json.loads(model.metadata_props[0].value) | {"channels": 1}
    onnx.helper.set_model_props(model, {"unbraid": json.dumps(said)})
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ModelError, match=r"model\.onnx"):
        Separator(tmp_path / "model.onnx")


@pytest.mark.parametrize("kind", ["mask", "waveform"])
def test_both_runtimes_agree(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    model = request.getfixturevalue(f"{kind}_model")
    song = noise(2, 30_000)
    expected = Separator(model, precision="fp32", tile_seconds=0.3).separate_array(song, 44_100)
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None if name == "openvino" else object())
    other = Separator(model, device="cpu", tile_seconds=0.3)
    assert other.runtime.startswith("ONNX Runtime on the CPU")
    for stem, found in other.separate_array(song, 44_100).items():
        np.testing.assert_allclose(found, expected[stem], atol=1e-5)


def test_without_any_runtime(mask_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install"):
        Separator(mask_model)


def test_the_choice_is_said_with_its_reason(mask_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "_graphics", lambda: [])
    assert Separator(mask_model, threads=1).runtime.endswith("1 thread); no runtime for graphics cards is installed")
    assert "graphics" not in Separator(mask_model, device="cpu").runtime


def test_a_card_that_does_not_start_is_not_silently_left_unused(
    mask_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "_graphics", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(ModelError, match="CUDA"), pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        Separator(mask_model, device="cuda")
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        assert "CUDA is installed but does not start" in Separator(mask_model).runtime


def test_without_a_card_cuda_is_refused(mask_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "_graphics", lambda: [])
    with pytest.raises(ModelError, match=r"unbraid\[gpu\]"):
        Separator(mask_model, device="cuda")
    with pytest.raises(UsageError, match="auto, cpu, cuda"):
        Separator(mask_model, device="abacus")


class SmallCard(ONNXRuntime):
    """The real runtime on a device whose memory holds so many numbers and no more."""

    memory = 0
    sizes: list[int] = []  # noqa: RUF012  # each test sets its own

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        if array.size > self.memory:
            raise OutOfDeviceMemoryError
        self.sizes.append(array.size)
        return super().run(array)


@pytest.mark.parametrize("kind", ["mask", "waveform"])
@pytest.mark.parametrize("memory_share", [0.6, 0.3, 0.0])
def test_a_card_with_too_little_memory(
    kind: str, memory_share: float, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model = request.getfixturevalue(f"{kind}_model")
    separator = Separator(model, precision="fp32", tile_seconds=0.3)
    song = noise(2, 60_000)
    expected = separator.separate_array(song, 44_100)
    network = separator._network
    card = SmallCard(model, "CPUExecutionProvider", 1)
    card.memory, card.sizes = int(np.prod(network._input_shape()) * memory_share), []
    card.description = "The card"
    network.runtime = card
    for stem, found in separator.separate_array(song, 44_100).items():
        np.testing.assert_allclose(found, expected[stem], atol=1e-5)
    assert bool(card.sizes) == (memory_share > 0)
    assert "The card ran out of memory: it now processes less at a time" in network.notes
    assert network.notes[-1].endswith("took over") == (memory_share == 0)


@pytest.mark.parametrize(("context", "tile"), [(0.5, 29.0), (3.5, 23.0), (15.0, 15.0)])
def test_what_contexts_leave_of_the_memory_is_the_tile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: float, tile: float
) -> None:
    monkeypatch.setattr("unbraid.inference.network.COMPUTED_SECONDS", 30.0)
    samples = round(context * 44_100 / 128) * 128
    network = Network(write_mask_model(tmp_path / "model.onnx", context=samples), device="cpu")
    assert network.length % network.facts.stride == 0
    assert network.length / 44_100 == pytest.approx(tile, abs=0.01)


def test_samples_are_not_rounded_to_bf16_unless_asked_for(
    mask_model: Path, waveform_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(*args: object, precision: str, **options: object) -> None:
        asked.append(precision)

    monkeypatch.setattr("unbraid.inference.network.load_runtime", load)
    for model, precision in ((mask_model, "auto"), (waveform_model, "auto"), (waveform_model, "bf16")):
        Network(model, precision=precision)
    assert asked == ["auto", "fp32", "bf16"]


def test_a_model_is_a_name_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("unbraid.inference.shipped_models.files", lambda package: tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="without weights"):
        find_model(None)
    (tmp_path / "weights").mkdir()
    for name in ("another", "unbraid"):
        write_waveform_model(tmp_path / "weights" / f"{name}.onnx")
    assert list(shipped_models()) == ["unbraid", "another"]
    assert find_model(None) == find_model("unbraid") == tmp_path / "weights/unbraid.onnx"
    assert Separator("another").model == tmp_path / "weights/another.onnx"
    assert find_model("mine.onnx") == find_model(Path("mine.onnx")) == Path("mine.onnx")
    with pytest.raises(ModelError, match=r"no model 'wave': unbraid comes with unbraid, another; or name"):
        Separator("wave")
    shutil.copy(tmp_path / "weights/another.onnx", tmp_path / "wave")
    assert Separator("wave").model == Path("wave")


def test_openvino_stays_whole_for_others(mask_model: Path) -> None:
    """Its converter is left out of our import only: whoever wants it in the same process can have it."""
    script = f"import unbraid; unbraid.Separator({str(mask_model)!r}); import openvino.tools.ovc"
    subprocess.run([sys.executable, "-c", script], check=True)
