"""Keras and the user's layers are as they were, and other threads see them as they are."""

import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tf_keras

import rnnlite
from rnnlite.frontends.keras.flavour import keras2, keras3, layers_of
from rnnlite.frontends.keras.patching import Change, replaced, seeming
from rnnlite.frontends.keras.tracing import tracing


def elsewhere(function):
    """What a function gives in another thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_a_replacement_is_put_back_whatever_is_raised():
    class Base:
        def say(self):
            return "base"

    class Owner(Base):
        pass

    def make(original, mine):
        return lambda self: f"not {original(self)}" if mine() else original(self)

    module = SimpleNamespace(value=1)
    changes = [Change(Owner, "say", make), Change(module, "value", lambda o, _: o + 1)]
    changes.append(Change(module, "missing", lambda o, _: 0))

    def within():
        with replaced(changes):
            assert (Owner().say(), module.value) == ("not base", 2)
            assert elsewhere(lambda: Owner().say()) == "base"
            raise KeyError

    with pytest.raises(KeyError):
        within()
    assert (Owner().say(), vars(module), "say" in vars(Owner)) == ("base", {"value": 1}, False)


def test_an_attribute_seems_another_to_one_thread_alone():
    class Layer:
        name = "class"

        def __init__(self):
            self.stateful = True

    one, other = Layer(), Layer()
    with seeming({id(one): {"stateful": False}}, [one, other]):
        assert (one.stateful, other.stateful) == (False, True)
        assert elsewhere(lambda: one.stateful) is True
        one.stateful = 3
        assert vars(one) == {"stateful": 3}
        assert elsewhere(lambda: one.stateful) == 3
        del other.stateful
        with pytest.raises(AttributeError):
            _ = other.stateful
    assert (one.stateful, "stateful" in vars(Layer)) == (3, False)


@pytest.mark.parametrize("flavour", [keras3(), keras2()], ids=["Keras 3", "Keras 2"])
@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_layers_compute_in_float32_for_one_thread_alone(flavour, dtype):
    L = flavour.layers
    model = flavour.keras.Sequential([L.Input((None, 2)), L.GRU(3, dtype=dtype), L.Dense(2)])
    own = [dict(vars(layer)) for layer in layers_of(model)]
    kinds = ["float32" if layer is model.layers[-1] else dtype for layer in model.layers]
    kinds = [k.removeprefix("mixed_") for k in kinds]

    def seen():
        return [layer.compute_dtype for layer in model.layers]

    assert seen() == kinds
    with tracing(flavour, model) as traced:
        assert seen() == ["float32"] * 2
        assert elsewhere(seen) == kinds
        assert own == [vars(layer) for layer in layers_of(model)]
        assert model(np.ones((1, 4, 2), np.float32)).dtype.name == "float32"
    name = dtype.removeprefix("mixed_")
    assert f"layers that compute in {name} are converted to compute in float32" in traced.notes
    assert seen() == kinds


def touched():
    """Every attribute of what conversions patch."""
    found = {}
    for flavour in (keras3(), keras2()):
        L = flavour.layers
        classes = {c for c in vars(L).values() if isinstance(c, type)}
        classes |= {b for c in classes for b in c.__mro__} - {object}
        hooks = flavour.hooks
        owners = (
            hooks.backend,
            hooks.recurrent_layer,
            hooks.functional,
            hooks.name_scope or object,
        )
        for owner in (*classes, *owners):
            found[owner] = dict(vars(owner))
    return found


def network(package, bidirectional):
    L = package.layers
    first = L.GRU(3, return_sequences=True, dropout=0.2, unroll=bidirectional)
    first = L.Bidirectional(first) if bidirectional else first
    return package.Sequential([package.Input((6, 2)), first, L.Flatten(), L.Dense(2)])


@pytest.mark.long
def test_eight_conversions_in_four_threads_leave_keras_as_it_was():
    shared = network(keras, bidirectional=True)
    models = [shared, shared, network(tf_keras, False), network(tf_keras, True)]
    x = np.random.default_rng(0).standard_normal((1, 6, 2)).astype(np.float32)
    watched = network(keras, bidirectional=False)
    expected = np.asarray(watched(x))
    before, own = touched(), [dict(vars(layer)) for layer in shared.layers]
    found, failures, stop = [], [], threading.Event()

    def converting(k):
        try:
            model = models[k]
            data = rnnlite.convert(model).tflite
            found.append((rnnlite.load(data).predict(list(x))[0], np.asarray(model(x))[0]))
            # One that is refused in the middle of it: the length is pinned.
            with pytest.raises(rnnlite.ShapeError, match="flatten"):
                rnnlite.convert(network(keras if k % 2 else tf_keras, False), sequence_length=None)
        except BaseException as e:
            failures.append(e)

    def watching():
        while not stop.is_set():
            found.append((np.asarray(watched(x))[0], expected[0]))

    threads = [threading.Thread(target=converting, args=[k]) for k in range(4)]
    watcher = threading.Thread(target=watching)
    for thread in (*threads, watcher):
        thread.start()
    for thread in threads:
        thread.join(timeout=600)
    stop.set()
    watcher.join(timeout=60)
    assert not any(thread.is_alive() for thread in (*threads, watcher))
    assert failures == []
    for ours, theirs in found:
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    after = touched()
    assert before.keys() == after.keys()
    for owner, attributes in before.items():
        now = after[owner]
        # `__doc__` and caches aside: what was there is there, nothing is new.
        changed = {n for n in attributes.keys() | now.keys() if attributes.get(n) is not now.get(n)}
        assert not {n for n in changed if not n.startswith("_abc_")}, owner
    for layer, attributes in zip(shared.layers, own, strict=True):
        assert attributes.keys() == vars(layer).keys()


def doubled(original, mine):
    return 2 * original


def test_two_changes_of_one_attribute_are_taken_back_in_reverse():
    module = SimpleNamespace(value=3)
    with replaced([Change(module, "value", doubled), Change(module, "value", doubled)]):
        assert module.value == 12
    assert module.value == 3


def test_replacements_within_replacements():
    module = SimpleNamespace(value=3)
    with replaced([Change(module, "value", doubled)]):
        with replaced([Change(module, "value", doubled)]):
            assert module.value == 12
        assert module.value == 6
    assert module.value == 3


def test_a_change_that_fails_leaves_nothing_behind():
    def broken(original, mine):
        raise ValueError("broken")

    module = SimpleNamespace(value=3, other=4)
    changes = [Change(module, "value", doubled), Change(module, "other", broken)]
    with pytest.raises(ValueError, match="broken"), replaced(changes):
        pytest.fail("entered")
    assert vars(module) == {"value": 3, "other": 4}


def test_what_a_class_inherits_is_its_own_for_a_time():
    class Base:
        rate = 1

    class Owner(Base):
        pass

    with replaced([Change(Owner, "rate", doubled)]):
        assert (Owner.rate, Base.rate) == (2, 1)
    assert "rate" not in vars(Owner)


def test_descriptors_are_given_as_they_are():
    """A property is no value: what takes its place has to ask it."""

    class Owner:
        @property
        def rate(self):
            return 1

        @staticmethod
        def plain():
            return 2

    met = {}

    def keep(name):
        return lambda original, mine: met.setdefault(name, original)

    with replaced([Change(Owner, n, keep(n)) for n in ("rate", "plain")]):
        assert (Owner().rate, Owner.plain()) == (1, 2)
    assert isinstance(met["rate"], property)
    assert isinstance(met["plain"], staticmethod)


class Layer:
    """A class with an attribute of its own, and one that objects alone have."""

    rate = 1

    def __init__(self, **own):
        vars(self).update(own)


def test_several_attributes_of_several_objects():
    one, two, three = Layer(unit=1, rate=5), Layer(unit=2), Layer(unit=3)
    values = {id(one): {"unit": 10, "rate": 50}, id(two): {"unit": 20}}
    with seeming(values, [one, two, three]):
        assert [x.unit for x in (one, two, three)] == [10, 20, 3]
        assert [x.rate for x in (one, two, three)] == [50, 1, 1]
    assert [x.unit for x in (one, two, three)] == [1, 2, 3]
    assert (Layer.rate, "unit" in vars(Layer)) == (1, False)


def test_classes_still_answer_for_themselves():
    one = Layer(unit=1)
    with seeming({id(one): {"rate": 9}}, [one]):
        assert Layer.rate == 1
        assert Layer(unit=2).rate == 1
        with pytest.raises(AttributeError, match="other"):
            _ = one.other


def test_what_is_written_meanwhile_stays():
    one = Layer(unit=1)
    with seeming({id(one): {"unit": 10}}, [one]):
        one.unit = 7
        assert one.unit == 10
        del one.unit
        with pytest.raises(AttributeError, match="unit"):
            del one.unit
    assert "unit" not in vars(one)


def test_objects_without_other_values_are_left_alone():
    one = Layer(unit=1)
    with seeming({}, [one]):
        assert "unit" not in vars(Layer)


def test_threads_take_turns():
    """What one thread replaces, another waits to replace."""
    module = SimpleNamespace(value=1)
    order = []

    def other():
        with replaced([Change(module, "value", doubled)]):
            order.append(("other", module.value))

    with replaced([Change(module, "value", doubled)]):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.05)
        order.append(("first", module.value))
    thread.join()
    assert order == [("first", 2), ("other", 2)]
    assert module.value == 1
