"""Refuse code in model files: Lambda layers and custom classes run only if the user allows it.

What enters: the configuration of a model, from the file. What leaves: nothing, or the refusal of
the first layer or class that is not allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rnnlite.errors import TrustError

OWN_MODULES = ("keras", "tf_keras", "tensorflow", "builtins")


def check_config(
    config: object,
    *,
    origin: str,
    trust: bool,
    custom_objects: Mapping[str, Any],
    registered: Callable[[str], object],
) -> None:
    """Refuse a configuration whose loading would run code that the user did not allow.

    Args:
        config: the model's configuration, as parsed JSON.
        origin: the file, for the message.
        trust: whether the user allows Lambda layers.
        custom_objects: the objects that the user gives, by name.
        registered: looks a name up among the classes registered with Keras in this process.

    Raises:
        TrustError: naming the layer or class.
    """
    for node in _nodes(config):
        name = node.get("class_name")
        inner = node.get("config")
        layer = inner.get("name", name) if isinstance(inner, dict) else name
        if name in ("Lambda", "__lambda__") and not trust:
            raise TrustError(
                f"'{origin}' holds code: layer '{layer}' is a Lambda",
                remedy="If you trust the file, allow it with trust=True (--trust), or replace the "
                "Lambda by a layer",
            )
        module = node.get("module")
        registered_name = node.get("registered_name")
        foreign = isinstance(module, str) and module.split(".")[0] not in OWN_MODULES
        if not isinstance(name, str) or name in ("Lambda", "__lambda__"):
            continue
        if foreign or (registered_name and module is None):
            known = {name, str(registered_name)} & set(custom_objects)
            if not known and registered(str(registered_name or name)) is None:
                raise TrustError(
                    f"'{origin}' needs the custom object '{registered_name or name}'",
                    remedy=f"Pass it: custom_objects={{'{name}': {name}}} "
                    "(--custom-objects FILE.py)",
                )


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)
