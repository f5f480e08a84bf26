"""PyTorch sources: converted, and compared with the module at sizes that its example has not."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import rnnlite
from rnnlite.errors import SourceError, TrustError, UnsupportedError

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

sys.path.insert(0, os.path.dirname(__file__))

import modules  # noqa: E402
from torch import nn  # noqa: E402

COUNT = max(int(os.environ.get("RNNLITE_EXAMPLES", "0")) // 5, 10)


def expected(module, *inputs):
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = module(*inputs)
    return (found if torch.is_tensor(found) else found[0]).numpy()


@pytest.mark.long(minutes=1)
@pytest.mark.parametrize("seed", range(COUNT))
def test_random_modules(seed):
    module, inputs, options = modules.drawn(seed)
    converted = rnnlite.convert(module, example=inputs(2, 9), batch_size=None)
    assert len(converted.report.recurrences) >= options["layers"], options
    lite = rnnlite.load(converted.tflite)
    assert lite.inputs[0].batch is None
    for batch, length in ((1, 1), (1, 60), (5, 7)):
        x = inputs(batch, length)
        (found,) = lite.run([x.numpy()])
        np.testing.assert_allclose(found, expected(module, x), atol=1e-4, err_msg=str(options))


class Tagger(nn.Module):
    """A bidirectional LSTM that gives a tag a step."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(6, 8, batch_first=True, bidirectional=True)
        self.out = nn.Linear(16, 3)

    def forward(self, frames):
        return self.out(self.rnn(frames)[0])


@pytest.fixture(scope="module")
def tagger():
    torch.manual_seed(0)
    return Tagger().eval()


EXAMPLE = torch.zeros(2, 9, 6)


def test_a_module_is_left_as_it_was(tagger):
    before = {k: v.clone() for k, v in tagger.state_dict().items()}
    random, filters = torch.random.get_rng_state(), list(warnings.filters)
    converted = rnnlite.convert(tagger, example=EXAMPLE)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert warnings.filters == filters
    assert not tagger.training
    assert all(torch.equal(v, before[k]) for k, v in tagger.state_dict().items())
    assert all(p.requires_grad for p in tagger.parameters())
    assert [s["name"] for s in converted.report.inputs] == ["frames"]
    assert converted.report.origin == "PyTorch module 'Tagger'"
    assert {r["kind"] for r in converted.report.recurrences} == {"LSTM"}


@pytest.mark.parametrize("mode", ["dynamic", "int8"])
def test_quantized_and_verified(tagger, mode):
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=(int(t), 6)).astype("float32") for t in rng.integers(4, 30, 30)]
    converted = rnnlite.convert(tagger, example=EXAMPLE, quantize=mode, calibration=samples)
    assert converted.report.quantization.accuracy[0].rms_error < 0.1
    report = rnnlite.verify(tagger, converted.tflite, example=EXAMPLE)
    assert report.quantization.accuracy[0].rms_error < 0.1


def test_streamed():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU())
    module = nn.Sequential(module, nn.GRU(8, 8, batch_first=True)).eval()
    converted = rnnlite.convert(module, example=EXAMPLE, outputs=None, streaming=True)
    stream = rnnlite.load(converted.tflite).stream()
    x = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
    parts = [stream(c)["output_0"] for c in np.split(x, [3, 4, 11])]
    whole = expected(module, torch.from_numpy(x[None]))[0]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


class Packed(nn.Module):
    """Padded sequences with their lengths."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, 8, batch_first=True, bidirectional=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        y, _ = self.rnn(packed)
        found, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
        return found


def test_packed_sequences_are_masked():
    module = Packed().eval()
    example = (torch.randn(3, 7, 6), torch.tensor([7, 4, 2]))
    converted = rnnlite.convert(module, example=example)
    assert all(r["masked"] for r in converted.report.recurrences)
    lite = rnnlite.load(converted.tflite)
    for length, count in ((9, 9), (9, 4), (30, 1)):
        x, counts = torch.randn(1, length, 6), torch.tensor([count])
        (found,) = lite.run([x.numpy(), counts.numpy()])
        np.testing.assert_allclose(found, expected(module, x, counts), atol=1e-5)


class Loop(nn.Module):
    """A cell in a loop of Python."""

    def __init__(self, kind):
        super().__init__()
        self.cell = getattr(nn, kind)(6, 8)
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.zeros(x.shape[0], 8)
        rows = []
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
            rows.append(h)
        return torch.stack(rows, 1)


@pytest.mark.parametrize("kind", ["GRUCell", "RNNCell"])
def test_loops_over_cells_are_recurrences(kind):
    module = Loop(kind).eval()
    converted = rnnlite.convert(module, example=EXAMPLE)
    assert len(converted.report.recurrences) == 1
    lite = rnnlite.load(converted.tflite)
    for length in (1, 5, 40):
        x = torch.randn(1, length, 6)
        np.testing.assert_allclose(lite.run([x.numpy()])[0], expected(module, x), atol=1e-5)


class Unscripted(nn.Module):
    """A loop that TorchScript does not take."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(6, 8)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 8)
        for row in [*x.unbind(1)]:
            h = self.cell(row, h)
        return h


class Unknown(nn.Module):
    """An op that the exporter does not know."""

    def forward(self, x):
        return torch.heaviside(x, x)


def test_a_refusal_prints_nothing(capfd):
    with pytest.raises(UnsupportedError, match=r"aten::heaviside.*Replace the part that it names"):
        rnnlite.convert(Unknown().eval(), example=EXAMPLE)
    assert capfd.readouterr().out == ""


def test_a_loop_that_is_unrolled_is_noted():
    report = rnnlite.convert(Unscripted().eval(), example=EXAMPLE).report
    assert report.inputs[0]["shape"] == (1, 9, 6)
    assert any(
        n.startswith("axis 1 of input 'x' stays 9: the trace of the module") for n in report.notes
    )


def test_states_are_inputs_and_outputs():
    module = nn.LSTM(6, 8, batch_first=True).eval()
    zeros = torch.zeros(1, 2, 8)
    converted = rnnlite.convert(module, example=(EXAMPLE, (zeros, zeros)))
    lite = rnnlite.load(converted.tflite)
    assert [s.name for s in lite.inputs] == ["input", "hx_0", "hx_1"]
    assert [s.name for s in lite.outputs] == ["output_0", "output_1_0", "output_1_1"]
    x = np.random.default_rng(0).normal(size=(1, 10, 6)).astype("float32")
    state = [np.zeros((1, 1, 8), "float32")] * 2
    y, *_ = lite.run([x, *state])
    first, *state = lite.run([x[:, :4], *state])
    second, *_ = lite.run([x[:, 4:], *state])
    np.testing.assert_allclose(np.concatenate([first, second], 1), y, atol=1e-6)
    np.testing.assert_allclose(y, expected(module, torch.from_numpy(x)), atol=1e-5)


def test_programs_and_files(tagger, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # torch.export pins the length of an LSTM.
        program = torch.export.export(tagger, (EXAMPLE[:1],), strict=False)
        torch.export.save(program, tmp_path / "tagger.pt2")
        torch.jit.trace(tagger, EXAMPLE).save(str(tmp_path / "tagger.pt"))
    x = np.random.default_rng(0).normal(size=(9, 6)).astype("float32")
    wanted = expected(tagger, torch.from_numpy(x[None]))[0]
    for source in (program, tmp_path / "tagger.pt2"):
        lite = rnnlite.load(rnnlite.convert(source).tflite)
        np.testing.assert_allclose(lite.predict([x])[0], wanted, atol=1e-5)
    np.savez(tmp_path / "example.npz", EXAMPLE.numpy())
    lite = rnnlite.load(
        rnnlite.convert(tmp_path / "tagger.pt", example=tmp_path / "example.npz").tflite
    )
    np.testing.assert_allclose(lite.predict([x])[0], wanted, atol=1e-5)


class TestRefusals:
    def test_training_mode(self):
        with pytest.raises(SourceError, match="is in training mode; expected evaluation mode"):
            rnnlite.convert(Tagger(), example=EXAMPLE)

    def test_no_example(self, tagger):
        with pytest.raises(SourceError, match="does not say what it takes; expected an example"):
            rnnlite.convert(tagger)

    def test_an_example_that_does_not_fit(self, tagger):
        with pytest.raises(SourceError, match="does not run on the example; expected inputs"):
            rnnlite.convert(tagger, example=torch.zeros(2, 9, 5))
        with pytest.raises(SourceError, match="the example is no tensor; expected tensors"):
            rnnlite.convert(tagger, example="x" and object())

    @pytest.mark.parametrize("zipped", [True, False])
    def test_a_pickle(self, tagger, tmp_path, zipped):
        weights = tagger.state_dict()
        torch.save(weights, tmp_path / "weights.pt", _use_new_zipfile_serialization=zipped)
        with pytest.raises(TrustError, match=r"weights\.pt' is a pickle, whose loading would run"):
            rnnlite.convert(tmp_path / "weights.pt")

    def test_a_package(self, tmp_path):
        with torch.package.PackageExporter(tmp_path / "net.pt") as exporter:
            exporter.save_pickle("model", "model.pkl", {"a": 1})
        with pytest.raises(
            TrustError, match=r"net\.pt' is an archive of torch\.package.*load_pickle"
        ):
            rnnlite.convert(tmp_path / "net.pt")

    def test_what_is_no_tensor(self):
        class Text(nn.Module):
            def forward(self, x):
                return "text"

        with pytest.raises(UnsupportedError, match="gives what is no tensor; expected tensors"):
            rnnlite.convert(Text().eval(), example=EXAMPLE)

    def test_a_damaged_file(self, tagger, tmp_path):
        path = tmp_path / "tagger.pt2"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.export.save(torch.export.export(tagger, (EXAMPLE,), strict=False), path)
        path.write_bytes(path.read_bytes()[:2000])
        with pytest.raises(SourceError):
            rnnlite.convert(path)


def test_nothing_of_torch_is_imported_otherwise():
    code = (
        "import sys, keras, rnnlite; m = keras.Sequential([keras.Input((None, 2)), "
        "keras.layers.GRU(2)]); rnnlite.convert(m, verify=False); "
        "print([n for n in ('torch', 'onnx', 'onnxruntime') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
