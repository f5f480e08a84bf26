"""Every kind of file of both packages, converted and compared with the live model; trust."""

import shutil
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tf_keras

import option_table
import rnnlite
from rnnlite.frontends.keras import detection
from rnnlite.frontends.keras.detection import Detected
from rnnlite.frontends.keras.files import (
    _architecture,
    _refusal,
    _refuse_revived,
    _saved_model_config,
)
from rnnlite.frontends.keras.flavour import flavour_of
from rnnlite.frontends.keras.request import KerasRequest


def small(K):
    K.utils.set_random_seed(2)
    x = K.Input((None, 3), name="x")
    y = K.layers.Bidirectional(K.layers.GRU(3, reset_after=False))(x)
    return K.Model(x, K.layers.Dense(2, name="y")(y))


def agree(found, model, length=6):
    x = np.random.default_rng(0).standard_normal((1, length, 3)).astype(np.float32)
    result = rnnlite.load(found.tflite).predict(list(x))
    np.testing.assert_allclose(result, np.asarray(model(x)), atol=2e-6)


@pytest.mark.parametrize(
    ("K", "name"),
    [
        (keras, "m.keras"),
        (keras, "m.h5"),
        (tf_keras, "m.keras"),
        (tf_keras, "m.h5"),
        (tf_keras, "folder"),
    ],
    ids=["keras3-archive", "keras3-h5", "keras2-archive", "keras2-h5", "keras2-saved-model"],
)
def test_files_whatever_their_name(tmp_path, K, name):
    model = small(K)
    model.save(tmp_path / name)
    path = tmp_path / "renamed"
    shutil.move(tmp_path / name, path)
    found = rnnlite.convert(path)
    agree(found, model)
    assert [p["name"] for p in found.report.outputs] == ["y"]
    agree(rnnlite.convert(str(path), verify=False), model)


def with_lambda(K):
    return K.Sequential(
        [K.Input((None, 3)), K.layers.Lambda(lambda x: 2 * x, name="twice"), K.layers.LSTM(2)]
    )


@pytest.mark.parametrize(
    ("K", "name"),
    [(keras, "m.keras"), (tf_keras, "m.keras"), (tf_keras, "m.h5")],
    ids=["keras3", "keras2", "keras2-h5"],
)
def test_code_in_a_file_runs_only_with_trust(tmp_path, K, name):
    model = with_lambda(K)
    model.save(tmp_path / name)
    with pytest.raises(rnnlite.TrustError, match=r"layer 'twice' is a Lambda.*--trust"):
        rnnlite.convert(tmp_path / name)
    agree(rnnlite.convert(tmp_path / name, trust=True), model)


def test_a_saved_model_converts_without_running_its_code(tmp_path):
    model = with_lambda(tf_keras)
    model.save(tmp_path / "m")
    converted = rnnlite.convert(tmp_path / "m")
    agree(converted, model)
    (note,) = [n for n in converted.report.notes if "read by its signature" in n]
    assert "layer 'twice' is a Lambda" in note
    agree(rnnlite.convert(tmp_path / "m", trust=True), model)


def test_a_live_lambda_is_the_callers_own_code(K):
    model = with_lambda(K)
    agree(rnnlite.convert(model), model)


def test_a_layer_whose_class_is_not_known_is_asked_for(tmp_path):
    """Keras 2 gives the name of such a class in place of a layer, and then calls it."""

    class Turned(tf_keras.layers.LSTM):
        def call(self, inputs, **kwargs):
            return tf_keras.backend.reverse(super().call(inputs, **kwargs), 1)

    layers = [tf_keras.Input((None, 3)), Turned(4, return_sequences=True, go_backwards=True)]
    model = tf_keras.Sequential(layers)
    model.save(tmp_path / "m.h5")
    model.save_weights(tmp_path / "w.h5")
    (tmp_path / "m.json").write_text(model.to_json())
    files = [(tmp_path / "m.h5", {}), (tmp_path / "w.h5", {"architecture": tmp_path / "m.json"})]
    for path, options in files:
        with pytest.raises(rnnlite.TrustError, match="needs the custom object 'Turned'"):
            rnnlite.convert(path, **options)
        agree(rnnlite.convert(path, custom_objects={"Turned": Turned}, **options), model)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_custom_objects_are_asked_for_by_name(tmp_path, K, name):
    cell = option_table.custom_cell(K)
    model = K.Sequential([K.Input((None, 3)), K.layers.RNN(cell(4))])
    model.save(tmp_path / name)
    with pytest.raises(rnnlite.TrustError, match="needs the custom object 'DelayCell'"):
        rnnlite.convert(tmp_path / name)
    found = rnnlite.convert(tmp_path / name, custom_objects={"DelayCell": cell})
    agree(found, model)
    assert found.report.recurrences[0]["kind"] == "DelayCell"


def test_sources_that_are_none():
    with pytest.raises(rnnlite.SourceError, match=r"no path and no model.*found int"):
        rnnlite.convert(3)
    with pytest.raises(rnnlite.SourceError, match=r"not a model.*Wrap it"):
        rnnlite.convert(keras.layers.LSTM(2))


def test_a_model_that_was_never_built(K):
    with pytest.raises(rnnlite.SourceError, match=r"never built.*Call it once"):
        rnnlite.convert(K.Sequential([K.layers.LSTM(2)]))


def test_two_threads_convert_at_once():
    models = [small(keras), small(tf_keras)]
    results = {}

    def work(k):
        results[k] = rnnlite.convert(models[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in (0, 1):
        agree(results[k], models[k])


def test_a_gru_of_before_reset_after(tmp_path):
    """Keras 2.0 to 2.1.3 wrote no reset_after; the present default means another layer."""
    import h5py

    model = small(tf_keras)
    model.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        config = file.attrs["model_config"]
        assert '"reset_after": false' in config
        file.attrs["model_config"] = config.replace('"reset_after": false, ', "").replace(
            ', "reset_after": false', ""
        )
        assert "reset_after" not in file.attrs["model_config"]
        file.attrs["keras_version"] = "2.0.8"
    agree(rnnlite.convert(tmp_path / "old.h5"), model)


def test_ids_declared_as_float_become_integers(tmp_path):
    """Keras 2 declares the input of an Embedding that comes first as float32."""
    layers = [tf_keras.layers.Embedding(9, 4, input_length=6), tf_keras.layers.GRU(3)]
    model = tf_keras.Sequential(layers)
    model.build((None, 6))
    model.save(tmp_path / "ids.h5")
    found = rnnlite.convert(tmp_path / "ids.h5")
    loaded = rnnlite.load(found.tflite)
    assert (loaded.inputs[0].dtype, loaded.inputs[0].shape) == ("int32", (1, None))
    assert loaded.inputs[0].ids == (0, 8)
    assert "CAST" not in found.report.ops
    ids = np.array([[1, 8, 0, 3, 5, 5]], np.int32)
    np.testing.assert_allclose(loaded.run([ids])[0], model(ids.astype("float32")), atol=1e-6)


DETECTED = Detected(detection.ARCHIVE, "3.4.1", None)
KERAS3 = flavour_of(keras.layers.Dense(1))


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            ValueError("\n\nBad marshal data\nmore"),
            rnnlite.SourceError,
            "Keras cannot load 'm.keras' (.keras archive of Keras 3.4.1); found Bad marshal data. "
            "Save the model again, or convert it live.",
        ),
        (
            ValueError(""),
            rnnlite.SourceError,
            "Keras cannot load 'm.keras' (.keras archive of Keras 3.4.1); found ValueError. "
            "Save the model again, or convert it live.",
        ),
        (
            ValueError("Unknown layer: 'Attention2'. Please ensure"),
            rnnlite.TrustError,
            "'m.keras' needs the custom object 'Attention2'. Pass it: "
            "custom_objects={'Attention2': Attention2} (--custom-objects FILE.py).",
        ),
        (
            TypeError("Could not locate class 'Custom>Scale'. Make sure"),
            rnnlite.TrustError,
            "'m.keras' needs the custom object 'Scale'. Pass it: "
            "custom_objects={'Scale': Scale} (--custom-objects FILE.py).",
        ),
        (
            ValueError("Requested the deserialization of a Lambda ... pass `safe_mode=False`"),
            rnnlite.TrustError,
            "'m.keras' holds code that loading would run. If you trust the file, allow it with "
            "trust=True (--trust).",
        ),
    ],
    ids=["a fault", "without a word", "an unknown layer", "a class", "code"],
)
def test_what_keras_says_in_our_words(error, kind, message):
    found = _refusal(Path("m.keras"), DETECTED, KERAS3, error)
    assert type(found) is kind
    assert str(found) == message


def test_a_version_that_is_not_known():
    found = _refusal(Path("m.h5"), Detected(detection.HDF5, "", None), KERAS3, ValueError("no"))
    assert "(Keras HDF5 file of Keras an unknown version)" in str(found)


def test_a_layer_whose_class_is_not_at_hand(tmp_path):
    """Its recurrence would be a function, of which Keras no longer tells the parts."""
    Scale = type("Scale", (tf_keras.layers.Layer,), {})
    Scale.__module__ = "tf_keras.src.saving.legacy.saved_model.load"
    layer = Scale(name="mine")
    model = tf_keras.Sequential([tf_keras.Input((4, 2)), layer])
    with pytest.raises(rnnlite.TrustError) as found:
        _refuse_revived(model, tmp_path / "saved")
    assert str(found.value) == (
        f"layer 'mine' of '{tmp_path / 'saved'}' is a Scale, whose class is not at hand. Pass it: "
        "custom_objects={'Scale': ...} (--custom-objects FILE.py), or convert by signature "
        "(--signature)."
    )
    _refuse_revived(tf_keras.Sequential([tf_keras.layers.Dense(1)]), tmp_path)


def test_a_saved_model_with_damaged_metadata(tmp_path):
    (tmp_path / "keras_metadata.pb").write_bytes(b"\xff\xff no message")
    message = f"^the SavedModel '{tmp_path}' is damaged; found keras_metadata.pb: "
    with pytest.raises(rnnlite.SourceError, match=message):
        _saved_model_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the architecture '.*' cannot be read; expected JSON, as model.to_json"),
        ("{", "the architecture '.*' cannot be read; expected JSON, as model.to_json"),
        ("[]", "the architecture '.*' is no model's configuration; expected an object with class"),
        ("{}", "the architecture '.*' is no model's configuration; expected an object with class"),
    ],
)
def test_an_architecture_that_is_none(tmp_path, text, message):
    path = tmp_path / "model.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(rnnlite.SourceError, match=f"^{message}"):
        _architecture(tmp_path / "w.h5", KerasRequest(architecture=path))


def test_weights_without_an_architecture(tmp_path):
    with pytest.raises(rnnlite.SourceError) as found:
        _architecture(tmp_path / "w.h5", KerasRequest())
    assert str(found.value) == (
        f"the HDF5 file '{tmp_path / 'w.h5'}' holds weights alone; expected a model saved with "
        "model.save(path); found no attribute model_config. Give the model's configuration, as "
        "model.to_json() writes it (--architecture model.json), or build the model, load the "
        "weights, convert it live."
    )
