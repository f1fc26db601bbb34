"""OpenVINO graphs from Keras networks of this project's layers: the same answers for less work.

Traced by TensorFlow, a network keeps TensorFlow's order of axes, and OpenVINO transposes feature
maps again and again: a third of stage two's time on a CPU. A graph that is written layer by layer
has OpenVINO's own order throughout and takes slices of any size. Five rewritings change its answers
by rounding only:

- Batch normalisation is part of the convolution before it.
- Padding with zeros is part of the convolution or maximum behind it.
- A convolution over joined inputs is a sum of convolutions, so that nothing is joined.
- A 3x3 convolution of a picture that was enlarged by repeating pixels is a transposed 4x4
  convolution of the small one: 16 multiplications where there were 36.
- A transposed convolution to one or two channels is a 3x3 one to four times as many, rearranged:
  the processor computes eight channels at once, and would compute most of them for nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.models.quiet_keras import import_keras

_Array = NDArray[np.float32]
#: Rows before and after, columns before and after.
_Pads = tuple[tuple[int, int], tuple[int, int]]
_NO_PADS: _Pads = ((0, 0), (0, 0))
#: Channels that cost as much as eight.
_FEW_CHANNELS = 2


class UnknownLayerError(Exception):
    """A layer, or a use of one, that is not written here."""


@dataclass(frozen=True, eq=False)
class _Picture:
    """A node of the graph.

    Attributes:
        node: Of OpenVINO.
        pads: Zeros that belong around it.
        enlarged: Whether each pixel stands for 2x2.
        never_negative: Whether all values are 0 or more.
    """

    node: Any
    pads: _Pads = _NO_PADS
    enlarged: bool = False
    never_negative: bool = False


@dataclass(frozen=True, eq=False)
class _Joined:
    """Pictures whose channels follow each other, each with their number."""

    parts: tuple[tuple[_Picture, int], ...]


@dataclass(frozen=True, eq=False)
class _Convolution:
    """One convolution of a sum.

    Attributes:
        node: What is convolved.
        kernel: Height, width, channels in, channels out.
        stride: Of the convolution.
        pads: Zeros around what is convolved; around the result where it is transposed.
        transposed: Whether a pixel is spread by the kernel, not gathered.
        name: Of the layer, which becomes that of the node where it is not transposed.
    """

    node: Any
    kernel: _Array
    stride: int
    pads: _Pads
    transposed: bool = False
    name: str = ""


@dataclass(frozen=True, eq=False)
class _Sum:
    """Convolutions whose results are added, and a bias for each channel."""

    terms: tuple[_Convolution, ...]
    bias: _Array


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would call home from a hospital's server."""
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    return openvino


def build_graph(model: Any) -> Any:
    """Write a Keras network as an OpenVINO graph.

    Feature maps enter and leave it as ``(batch, channels, h, w)``; a single input enters as Keras
    takes it, ``(batch, h, w, channels)``. A convolution's node has the name of its layer, by which
    `pipeline.engine.openvino_int8` finds it.

    Args:
        model: A functional model of the layers of `pipeline.models.resunet`.

    Returns:
        An ``openvino.Model`` for any batch, height and width.

    Raises:
        UnknownLayerError: It has a layer, or uses one in a way, that is not written here.
    """
    return _Writer().write(model)


class _Writer:
    """Writes one graph: Keras repeats the calls of the model's layers, and each adds its nodes."""

    def __init__(self) -> None:
        self._openvino = import_openvino()
        import openvino.opset13 as operations

        self._op = operations
        #: By the id of a Keras tensor: the tensor, so that the id stays its own, and what it is.
        self._written: dict[int, tuple[Any, Any]] = {}

    def write(self, model: Any) -> Any:
        """The graph of a model."""
        keras = import_keras()
        inputs = [keras.Input(tensor.shape[1:]) for tensor in model.inputs]
        parameters = [self._parameter(tensor, alone=len(inputs) == 1) for tensor in inputs]
        copied = keras.models.clone_model(
            model,
            input_tensors=keras.tree.pack_sequence_as(model.input, inputs),
            clone_function=lambda layer: layer,
            call_function=self._call,
        )
        results = [self._picture(tensor).node for tensor in copied.outputs]
        return self._openvino.Model(results, parameters)

    def _parameter(self, tensor: Any, *, alone: bool) -> Any:
        """An input: slices where it is the only one, feature maps otherwise."""
        channels = tensor.shape[-1]
        shape = [-1, -1, -1, channels] if alone else [-1, channels, -1, -1]
        parameter = self._op.parameter(shape, np.float32)
        node = self._op.transpose(parameter, np.array([0, 3, 1, 2])) if alone else parameter
        self._written[id(tensor)] = tensor, _Picture(node)
        return parameter

    def _call(self, layer: Any, *arguments: Any, **options: Any) -> Any:
        """Call a layer as Keras does, and write what it does."""
        answer = layer(*arguments, **options)
        write = getattr(self, f"_{type(layer).__name__.lower()}", None)
        if write is None:
            raise UnknownLayerError(type(layer).__name__)
        given = arguments[0] if isinstance(arguments[0], list | tuple) else [arguments[0]]
        self._written[id(answer)] = answer, write(layer, *given)
        return answer

    # What a tensor is.

    def _found(self, tensor: Any) -> Any:
        return self._written[id(tensor)][1]

    def _picture(self, tensor: Any) -> _Picture:
        """A tensor as a picture; a sum of convolutions is computed now, once for all who ask."""
        found = self._found(tensor)
        if isinstance(found, _Sum):
            found = _Picture(self._compute(found))
            self._written[id(tensor)] = tensor, found
        if not isinstance(found, _Picture):
            raise UnknownLayerError("joined pictures that are not convolved")
        return found

    def _plain(self, tensor: Any) -> _Picture:
        """A tensor as a picture to which nothing remains to be done."""
        picture = self._picture(tensor)
        if picture.pads != _NO_PADS or picture.enlarged:
            raise UnknownLayerError("a padded or enlarged picture that is not convolved")
        return picture

    def _compute(self, total: _Sum) -> Any:
        result = None
        for term in total.terms:
            node = self._convolve(term)
            result = node if result is None else self._op.add(result, node)
        return self._op.add(result, self._op.constant(total.bias.reshape(1, -1, 1, 1)))

    def _convolve(self, term: _Convolution) -> Any:
        stride = [term.stride, term.stride]
        begin, end = zip(*term.pads, strict=True)
        if term.transposed:
            kernel = self._op.constant(np.ascontiguousarray(term.kernel.transpose(2, 3, 0, 1)))
            return self._op.convolution_backprop_data(
                term.node,
                kernel,
                strides=stride,
                pads_begin=begin,
                pads_end=end,
                dilations=[1, 1],
            )
        kernel = self._op.constant(np.ascontiguousarray(term.kernel.transpose(3, 2, 0, 1)))
        node = self._op.convolution(term.node, kernel, stride, begin, end, [1, 1])
        if term.name:
            node.set_friendly_name(term.name)
        return node

    # One method for each kind of layer, named as Keras names it.

    def _zeropadding2d(self, layer: Any, tensor: Any) -> _Picture:
        return replace(self._plain(tensor), pads=layer.padding)

    def _upsampling2d(self, layer: Any, tensor: Any) -> _Picture:
        if tuple(layer.size) != (2, 2) or layer.interpolation != "nearest":
            raise UnknownLayerError("enlarging by anything but repeated pixels")
        return replace(self._plain(tensor), enlarged=True)

    def _concatenate(self, layer: Any, *tensors: Any) -> _Joined:
        return _Joined(tuple((self._picture(tensor), tensor.shape[-1]) for tensor in tensors))

    def _conv2d(self, layer: Any, tensor: Any) -> _Sum:
        kernel = np.asarray(layer.kernel, np.float32)
        size, stride = kernel.shape[0], layer.strides[0]
        regular = kernel.shape[1] == size and layer.strides == (stride, stride)
        if not regular or layer.dilation_rate != (1, 1) or layer.groups != 1:
            raise UnknownLayerError("an irregular convolution")
        if layer.activation.__name__ != "linear":
            raise UnknownLayerError("a convolution with an activation")
        if layer.padding == "same" and stride > 1 and size > 1:
            raise UnknownLayerError("a convolution whose padding depends on the size")
        around = ((size - 1) // 2, size // 2) if layer.padding == "same" else (0, 0)
        found = self._found(tensor)
        if not isinstance(found, _Joined):
            found = _Joined(((self._picture(tensor), kernel.shape[2]),))
        terms, first = [], 0
        for part, channels in found.parts:
            own = kernel[:, :, first : first + channels]
            first += channels
            if part.enlarged:
                if (size, stride, layer.padding) != (3, 1, "same"):
                    raise UnknownLayerError("an enlarged picture under another kernel than 3x3")
                terms.append(_Convolution(part.node, _spread(own), 2, ((1, 1), (1, 1)), True))
            else:
                pads = part.pads if part.pads != _NO_PADS else (around, around)
                if part.pads != _NO_PADS and layer.padding == "same":
                    raise UnknownLayerError("a picture that is padded twice")
                terms.append(_Convolution(part.node, own, stride, pads, name=layer.name))
        return _Sum(tuple(terms), _bias(layer, kernel.shape[-1]))

    def _conv2dtranspose(self, layer: Any, tensor: Any) -> _Picture:
        # Keras stores these kernels as height, width, channels out, channels in, and its "same"
        # padding of a 4x4 kernel at stride 2 cuts one row and column from each side.
        kernel = np.asarray(layer.kernel, np.float32).transpose(0, 1, 3, 2)
        if kernel.shape[:2] != (4, 4) or layer.strides != (2, 2) or layer.padding != "same":
            raise UnknownLayerError("a transposed convolution that is not 4x4 at stride 2")
        node, bias, around = self._plain(tensor).node, _bias(layer, kernel.shape[-1]), (1, 1)
        if kernel.shape[-1] > _FEW_CHANNELS:
            term = _Convolution(node, kernel, 2, (around, around), True)
            return self._activate(layer.activation.__name__, self._compute(_Sum((term,), bias)))
        term = _Convolution(node, _gather(kernel), 1, (around, around))
        rearranged = self._op.depth_to_space(
            self._compute(_Sum((term,), np.tile(bias, 4))), "blocks_first", 2
        )
        return self._activate(layer.activation.__name__, rearranged)

    def _batchnormalization(self, layer: Any, tensor: Any) -> _Sum:
        found = self._found(tensor)
        if not isinstance(found, _Sum):
            raise UnknownLayerError("batch normalisation of something else than a convolution")
        gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in layer.get_weights())
        scale = gamma / np.sqrt(variance + layer.epsilon)
        terms = tuple(replace(t, kernel=(t.kernel * scale).astype(np.float32)) for t in found.terms)
        return _Sum(terms, ((found.bias - mean) * scale + beta).astype(np.float32))

    def _relu(self, layer: Any, tensor: Any) -> _Picture:
        if layer.max_value is not None or layer.negative_slope or layer.threshold:
            raise UnknownLayerError("a ReLU with options")
        return self._activate("relu", self._plain(tensor).node)

    def _activation(self, layer: Any, tensor: Any) -> _Picture:
        return self._activate(layer.activation.__name__, self._plain(tensor).node)

    def _activate(self, name: str, node: Any) -> _Picture:
        if name == "relu":
            return _Picture(self._op.relu(node), never_negative=True)
        if name == "sigmoid":
            return _Picture(self._op.sigmoid(node), never_negative=True)
        raise UnknownLayerError(f"the activation {name}")

    def _add(self, layer: Any, *tensors: Any) -> _Picture:
        node = self._plain(tensors[0]).node
        for tensor in tensors[1:]:
            node = self._op.add(node, self._plain(tensor).node)
        return _Picture(node)

    def _maxpooling2d(self, layer: Any, tensor: Any) -> _Picture:
        picture = self._picture(tensor)
        if picture.enlarged or not picture.never_negative or layer.padding != "valid":
            raise UnknownLayerError("a maximum over pixels that padding with zeros may change")
        begin, end = zip(*picture.pads, strict=True)
        node = self._op.max_pool(
            picture.node, layer.strides, [1, 1], begin, end, layer.pool_size, "floor"
        ).output(0)
        return _Picture(node, never_negative=True)

    def _globalmaxpooling2d(self, layer: Any, tensor: Any) -> _Picture:
        return _Picture(self._op.reduce_max(self._plain(tensor).node, np.array([2, 3]), False))

    def _dropout(self, layer: Any, tensor: Any) -> _Picture:
        return self._plain(tensor)

    def _dense(self, layer: Any, tensor: Any) -> _Picture:
        if layer.activation.__name__ != "linear":
            raise UnknownLayerError("a dense layer with an activation")
        kernel = self._op.constant(np.asarray(layer.kernel, np.float32))
        node = self._op.matmul(self._plain(tensor).node, kernel, False, False)
        bias = _bias(layer, layer.units).reshape(1, -1)
        return _Picture(self._op.add(node, self._op.constant(bias)))


def _bias(layer: Any, channels: int) -> _Array:
    """A layer's bias, 0 where it has none."""
    return np.asarray(layer.bias, np.float32) if layer.use_bias else np.zeros(channels, np.float32)


def _spread(kernel: _Array) -> _Array:
    """The 4x4 kernel that spreads a small picture's pixels as a 3x3 one gathers repeated ones.

    Along one axis a pixel of the small picture is seen by four of the large one: by the outer two
    as one repeated pixel, by the inner two as both.
    """
    for axis in (0, 1):
        low, middle, high = np.moveaxis(kernel, axis, 0)
        kernel = np.stack([high, middle + high, low + middle, low], axis=axis)
    return kernel


def _gather(kernel: _Array) -> _Array:
    """The 3x3 kernel that gathers what a transposed 4x4 one spreads, a channel for each of 2x2.

    Args:
        kernel: Height, width, channels in, channels out, at stride 2.

    Returns:
        ``(3, 3, channels in, 4 x channels out)``: of each two rows and columns first those of the
        upper left pixel, then to the right, then below.
    """
    _, _, channels_in, channels_out = kernel.shape
    gathered = np.zeros((3, 3, channels_in, 2, 2, channels_out), np.float32)
    # By the row of the kernel: which of two rows it makes, and from which of three.
    made = {3: (0, 0), 1: (0, 1), 2: (1, 1), 0: (1, 2)}
    for y, (lower, row) in made.items():
        for x, (right, column) in made.items():
            gathered[row, column, :, lower, right] = kernel[y, x]
    return gathered.reshape(3, 3, channels_in, 4 * channels_out)
