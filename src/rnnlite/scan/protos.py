"""Types of TensorFlow's protocol buffers, with the fields that are used here.

Types alone, for type checkers and people; they do nothing. See `tensors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Protocol, TypeVar, overload

T = TypeVar("T")


class Repeated(Protocol[T]):
    """A repeated field."""

    def __iter__(self) -> Iterator[T]: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __setitem__(self, place: int, value: T) -> None: ...
    def __delitem__(self, place: int | slice) -> None: ...
    def append(self, value: T) -> None: ...
    def extend(self, values: Iterable[T]) -> None: ...
    def add(self, **fields: Any) -> T: ...


class Dimension(Protocol):
    """An axis; -1 where its size is free."""

    size: int


class ShapeProto(Protocol):
    """A shape."""

    unknown_rank: bool

    @property
    def dim(self) -> Repeated[Dimension]: ...
    def CopyFrom(self, other: ShapeProto) -> None: ...  # noqa: N802


class TensorProto(Protocol):
    """The value of a constant."""

    dtype: int

    @property
    def tensor_shape(self) -> ShapeProto: ...
    def CopyFrom(self, other: TensorProto) -> None: ...  # noqa: N802
    def ByteSize(self) -> int: ...  # noqa: N802


class Function(Protocol):
    """The name of a function."""

    name: str


class ListValue(Protocol):
    """An attribute that is a list."""

    @property
    def s(self) -> Repeated[bytes]: ...
    @property
    def i(self) -> Repeated[int]: ...
    @property
    def f(self) -> Repeated[float]: ...
    @property
    def type(self) -> Repeated[int]: ...
    @property
    def shape(self) -> Repeated[ShapeProto]: ...
    @property
    def func(self) -> Repeated[Function]: ...


class AttrValue(Protocol):
    """An attribute of a node."""

    s: bytes
    i: int
    f: float
    b: bool
    type: int

    @property
    def tensor(self) -> TensorProto: ...
    @property
    def shape(self) -> ShapeProto: ...
    @property
    def list(self) -> ListValue: ...
    @property
    def func(self) -> Function: ...
    def CopyFrom(self, other: AttrValue) -> None: ...  # noqa: N802
    def HasField(self, name: str) -> bool: ...  # noqa: N802
    def WhichOneof(self, group: str) -> str | None: ...  # noqa: N802


class NodeDef(Protocol):
    """A node of a graph or of a function."""

    name: str
    op: str
    device: str

    @property
    def input(self) -> Repeated[str]: ...
    @property
    def attr(self) -> MutableMapping[str, AttrValue]: ...
    def ClearField(self, name: str) -> None: ...  # noqa: N802
    def CopyFrom(self, other: NodeDef) -> None: ...  # noqa: N802


class ArgDef(Protocol):
    """An argument or a result of a function or an op."""

    name: str
    type: int
    type_attr: str
    number_attr: str
    type_list_attr: str


class OpDef(Protocol):
    """A signature."""

    name: str

    @property
    def input_arg(self) -> Repeated[ArgDef]: ...
    @property
    def output_arg(self) -> Repeated[ArgDef]: ...


class FunctionDef(Protocol):
    """A function of a graph's library."""

    @property
    def signature(self) -> OpDef: ...
    @property
    def node_def(self) -> Repeated[NodeDef]: ...
    @property
    def ret(self) -> MutableMapping[str, str]: ...
    @property
    def attr(self) -> MutableMapping[str, AttrValue]: ...
    def CopyFrom(self, other: FunctionDef) -> None: ...  # noqa: N802


class Library(Protocol):
    """The functions of a graph."""

    @property
    def function(self) -> Repeated[FunctionDef]: ...


class GraphDef(Protocol):
    """A graph."""

    @property
    def node(self) -> Repeated[NodeDef]: ...
    @property
    def library(self) -> Library: ...
    def CopyFrom(self, other: GraphDef) -> None: ...  # noqa: N802
    def SerializeToString(self) -> bytes: ...  # noqa: N802


class TensorInfo(Protocol):
    """An input or output of a signature."""

    name: str


class SignatureDef(Protocol):
    """A signature of a SavedModel."""

    @property
    def inputs(self) -> MutableMapping[str, TensorInfo]: ...
    @property
    def outputs(self) -> MutableMapping[str, TensorInfo]: ...


class MetaInfoDef(Protocol):
    """What a graph of a SavedModel is for."""

    @property
    def tags(self) -> Repeated[str]: ...


class ObjectGraph(Protocol):
    """The objects of a SavedModel."""

    @property
    def nodes(self) -> Repeated[Any]: ...


class MetaGraphDef(Protocol):
    """A graph of a SavedModel."""

    @property
    def meta_info_def(self) -> MetaInfoDef: ...
    @property
    def graph_def(self) -> GraphDef: ...
    @property
    def object_graph_def(self) -> ObjectGraph: ...
    @property
    def signature_def(self) -> MutableMapping[str, SignatureDef]: ...


class SavedModel(Protocol):
    """The file of a SavedModel."""

    @property
    def meta_graphs(self) -> Repeated[MetaGraphDef]: ...
