"""The options of PyTorch sources.

What enters: the options that the user sets. What leaves: a `TorchRequest`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlite.frontends.request import Request, option


@dataclass(frozen=True)
class TorchRequest(Request):
    """A Request for a PyTorch module.

    Attributes:
        example: inputs to call the module with: a tensor, a tuple of them, or a dict by parameter
            name; also arrays, or the path of an .npz.
    """

    example: Any = option(
        None,
        "An .npz with an array for each input of a PyTorch module, with batch axis.",
        text=Path,
    )
