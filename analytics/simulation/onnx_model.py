"""ONNX files as parts: a steady map from inputs to outputs, by onnxruntime. In a worker process only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from analytics.errors import NotAvailable
from analytics.simulation.model import MachineModel, Values
from analytics.simulation.parts import Part, wired
from analytics.simulation.system import ModelError
from analytics.simulation.wiring import ModelUse

_TYPES: Final[dict[str, Any]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


def load_onnx(use: ModelUse) -> Part:
    """The part that an ONNX file is. Raises NotAvailable, ModelError."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as states
    except ImportError:
        cure = "onnxruntime is missing: install the extra onnx"
        raise NotAvailable(f"{use.name} of {use.twin} is an ONNX model, for which {cure}") from None
    title = f"the ONNX model {use.name} of {use.twin}"
    if not os.path.isfile(use.file):
        raise NotAvailable(f"{title}: there is no file {use.file}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(use.file, options, providers=["CPUExecutionProvider"])
    except (
        states.InvalidProtobuf,
        states.InvalidGraph,
        states.Fail,
        states.NotImplemented,
        states.NoSuchFile,
    ) as error:
        raise NotAvailable(f"{title} cannot be read: {str(error)[:300]}") from None
    net = Net(session, [port.name for port in use.input_ports], [port.name for port in use.output_ports], title)
    model = MachineModel(use.kind, use.description or title, use.fidelity, use.input_ports, use.output_ports, (), net)
    return wired(use, model, {})


class Net:
    """The map. One tensor [n, columns] takes the inputs in their order; several tensors take one each, by name. Outputs
    likewise: the columns of all tensors in their order. Raises ModelError where they do not fit."""

    def __init__(self, session: Any, inputs: Sequence[str], outputs: Sequence[str], title: str) -> None:
        self._session = session
        self._inputs = inputs
        self._outputs = outputs
        self._title = title
        self._tensors = session.get_inputs()
        for one in self._tensors:
            if one.type not in _TYPES:
                raise ModelError(f"{title} takes {one.type} as {one.name}; numbers are needed")
        if len(self._tensors) > 1 and {one.name for one in self._tensors} != set(inputs):
            names = ", ".join(one.name for one in self._tensors)
            raise ModelError(f"{title} takes the inputs {names}; inputs: in the plant file must name these")
        columns = self._tensors[0].shape[-1] if len(self._tensors) == 1 and self._tensors[0].shape else len(inputs)
        if isinstance(columns, int) and columns != len(inputs):
            raise ModelError(f"{title} takes {columns} inputs, and the plant file gives it {len(inputs)}")

    def __call__(self, _t: float, _x: Values, u: Values, _p: Values) -> dict[str, Any]:
        """The outputs; arrays over time are a batch."""
        plain = all(np.ndim(u[name]) == 0 for name in self._inputs)
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(u[name], np.float64)) for name in self._inputs))
        table = np.stack(columns, axis=1)
        first = self._tensors[0].shape
        whole = not first or not isinstance(first[0], int) or first[0] == len(table)
        rows = [table] if whole else [table[at : at + 1] for at in range(len(table))]
        found = np.concatenate([self._run(one) for one in rows])
        if found.shape[1] != len(self._outputs):
            raise ModelError(f"{self._title} gives {found.shape[1]} outputs, the plant file names {len(self._outputs)}")
        return {name: float(line[0]) if plain else line for name, line in zip(self._outputs, found.T, strict=True)}

    def _run(self, table: Any) -> Any:
        from onnxruntime.capi import onnxruntime_pybind11_state as states

        if len(self._tensors) == 1:
            one = self._tensors[0]
            fed = {one.name: table.astype(_TYPES[one.type])}
        else:
            fed = {
                one.name: table[:, [self._inputs.index(one.name)]]
                .astype(_TYPES[one.type])
                .reshape(_shape(one, len(table)))
                for one in self._tensors
            }
        try:
            tensors = self._session.run(None, fed)
        except (states.InvalidArgument, states.Fail, states.RuntimeException) as error:
            raise ModelError(f"{self._title} does not take its inputs: {str(error)[:300]}") from None
        numbers = [
            np.asarray(one, np.float64) for one in tensors if isinstance(one, np.ndarray) and one.dtype.kind in "fiu"
        ]
        return np.concatenate([one.reshape(len(table), -1) for one in numbers], axis=1)


def _shape(tensor: Any, count: int) -> tuple[int, ...]:
    return (count,) if len(tensor.shape) == 1 else (count, 1)
