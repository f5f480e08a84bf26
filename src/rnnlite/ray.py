"""rnnlite on Ray: `Predictor`, for `ray.data.Dataset.map_batches`. See `datasets/cluster`."""

from rnnlite.datasets.cluster import Predictor

__all__ = ["Predictor"]
