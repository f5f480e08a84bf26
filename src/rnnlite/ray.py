"""rnnlite on Ray: `Predictor`, for `ray.data.Dataset.map_batches`. See `datasets/cluster`.

What enters: a batch of rows, as Ray gives it. What leaves: the batch with the results of a model.
"""

from rnnlite.datasets.cluster import Predictor

__all__ = ["Predictor"]
