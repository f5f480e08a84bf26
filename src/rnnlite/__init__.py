"""rnnlite: trained recurrent networks to LiteRT models of any sequence length, checked and run.

`convert` and `verify` need TensorFlow (pip install 'rnnlite[convert]'); all else runs without it.
"""

from rnnlite._version import __version__
from rnnlite.api import convert, freeze, verify
from rnnlite.datasets.predicting import Predicted, predict_files
from rnnlite.errors import (
    AbortError,
    DataError,
    DependencyError,
    FrontEndError,
    InternalError,
    ModelError,
    OptionError,
    OutputError,
    ParityError,
    QuantizationError,
    RnnliteError,
    SampleError,
    ScheduleError,
    ShapeError,
    SourceError,
    StreamingError,
    TrustError,
    UnsupportedError,
)
from rnnlite.evaluation.evaluate import evaluate
from rnnlite.evaluation.records import (
    Agreement,
    Classification,
    ClassScore,
    Evaluation,
    LengthScore,
    Regression,
    WorstRow,
)
from rnnlite.lite.inspection import Inspection, inspect
from rnnlite.pipeline.converted import Converted
from rnnlite.pipeline.freezing import GraphSignature
from rnnlite.report.exits import Exit
from rnnlite.report.parity import OutputParity, Parity, StreamParity
from rnnlite.report.quantization import OutputAccuracy, Quantization, TrialRecord, WeightRecord
from rnnlite.report.records import Report
from rnnlite.runtime.early import EarlyResult
from rnnlite.runtime.model import Model, load
from rnnlite.runtime.stream import Stream
from rnnlite.snippets.render import snippet
from rnnlite.specs import SignatureSpec, TensorSpec

__all__ = [
    "evaluate",
    "WorstRow",
    "Regression",
    "LengthScore",
    "Evaluation",
    "ClassScore",
    "Classification",
    "Agreement",
    "AbortError",
    "Converted",
    "DataError",
    "EarlyResult",
    "Exit",
    "DependencyError",
    "FrontEndError",
    "GraphSignature",
    "Inspection",
    "InternalError",
    "Model",
    "ModelError",
    "OptionError",
    "OutputAccuracy",
    "OutputError",
    "OutputParity",
    "Parity",
    "ParityError",
    "Predicted",
    "Quantization",
    "QuantizationError",
    "Report",
    "RnnliteError",
    "SampleError",
    "ScheduleError",
    "ShapeError",
    "SourceError",
    "SignatureSpec",
    "Stream",
    "StreamParity",
    "StreamingError",
    "TensorSpec",
    "TrialRecord",
    "TrustError",
    "UnsupportedError",
    "WeightRecord",
    "__version__",
    "convert",
    "freeze",
    "inspect",
    "load",
    "predict_files",
    "snippet",
    "verify",
]
