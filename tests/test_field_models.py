"""Random models as people build them, both Keras packages, against the live model.

A conversion that is refused fails the test: only what Keras itself cannot build or run is left out.
`field_sweep.py` runs more of them, each with a time limit.
"""

import os
import warnings

import keras
import pytest
import tf_keras
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import field_check
import field_graphs
import field_models

EXAMPLES = max(int(os.environ.get("RNNLITE_EXAMPLES", "16")) // 8, 1)
FAMILIES = sorted(set(field_models.FAMILIES))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PACKAGES = st.sampled_from([keras, tf_keras])


def built(K, draw):
    """The model and the lengths to compare it at."""
    with warnings.catch_warnings():
        # Keras warns of masks that a layer does not take, and of inputs without names.
        warnings.simplefilter("ignore")
        try:
            model = field_models.build(K, draw)
            return model, field_check.lengths_of(model)
        except Exception:
            assume(False)
            raise


def batch(draw):
    return None if draw["free_batch"] else "auto"


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_field_models(family):
    @SETTINGS
    @given(draw=field_models.models(family), K=PACKAGES)
    def each(draw, K):
        model, lengths = built(K, draw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            field_check.check_float(model, lengths, batch(draw))

    each()


@pytest.mark.long
@pytest.mark.parametrize("mode", sorted(field_check.LIMITS))
def test_field_models_quantized(mode):
    @settings(SETTINGS, max_examples=max(EXAMPLES // 2, 1), phases=[Phase.generate])
    @given(seed=st.integers(100, 9_999), K=PACKAGES)
    def each(seed, K):
        draw = field_models.seeded(seed)
        model, lengths = built(K, draw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            field_check.check_quantized(model, lengths, batch(draw), mode)

    each()


@pytest.mark.long
def test_field_graphs(tmp_path_factory):
    @settings(SETTINGS, max_examples=3 * EXAMPLES)
    @given(draw=field_graphs.graphs())
    def each(draw):
        field_check.check_graph(draw, tmp_path_factory.mktemp("graph") / "frozen.pb")

    each()
