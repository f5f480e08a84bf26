"""Every kind of file of both packages, converted and compared with the live model; trust."""

import shutil
import threading

import keras
import numpy as np
import pytest
import tf_keras

import option_table
import rnnlite


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
