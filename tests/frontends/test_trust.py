"""Which configurations would run code."""

import pytest

from rnnlite.errors import TrustError
from rnnlite.frontends.trust import check_config


def check(config, *, trust=False, custom=None, registered=()):
    check_config(
        config,
        origin="m.keras",
        trust=trust,
        custom_objects=custom or {},
        registered=lambda name: name if name in registered else None,
    )


LAMBDA = {
    "class_name": "Model",
    "config": {"layers": [{"class_name": "Lambda", "config": {"name": "l"}}]},
}
FOREIGN = {
    "module": "mine.cells",
    "class_name": "Cell",
    "registered_name": "mine>Cell",
    "config": {},
}
OWN = {"module": "keras.layers", "class_name": "LSTM", "registered_name": None, "config": {}}


def test_keras_own_classes_pass():
    check({"class_name": "Sequential", "config": [OWN]})


def test_a_lambda_anywhere_inside():
    with pytest.raises(TrustError, match="layer 'l' is a Lambda"):
        check(LAMBDA)
    check(LAMBDA, trust=True)


def test_a_foreign_class():
    with pytest.raises(TrustError, match="needs the custom object 'mine>Cell'"):
        check(FOREIGN)
    check(FOREIGN, custom={"Cell": object})
    check(FOREIGN, registered=("mine>Cell",))
