"""The options of PyTorch sources.

What enters: what the user gives. What leaves: a `TorchRequest`.
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
        example: inputs to call the module with: a tensor, a tuple, or a dict by parameter name;
            arrays and the path of an .npz do as well.
    """

    example: Any = option(
        None,
        "An .npz with an array for each input of a PyTorch module, with batch axis.",
        text=Path,
    )
