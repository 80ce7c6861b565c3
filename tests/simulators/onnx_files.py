"""An ONNX file as tools for neural networks write it: two layers with known weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

FIRST = np.array([[0.5, -0.2, 0.1], [0.3, 0.4, -0.6]])
BIAS = np.array([0.1, 0.0, 2.0])
SECOND = np.array([[1.0], [2.0], [-0.5]])


def expected(inputs: Any) -> Any:
    """What the file says of float64[n, 2]."""
    return (np.maximum(inputs @ FIRST + BIAS, 0.0) @ SECOND)[:, 0]


def build_onnx(path: Path, batch: str | int = "n") -> Path:
    """From [n, 2] to [n, 1]. Skips where it cannot be made or run."""
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the file of this test, is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime, which runs ONNX files, is not installed (extra onnx)")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"]),
        helper.make_node("Add", ["a", "b1"], ["c"]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "w2"], ["y"]),
    ]
    weights = {"w1": FIRST, "b1": BIAS, "w2": SECOND}
    constants = [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", kind, [batch, 2])],
        [helper.make_tensor_value_info("y", kind, [batch, 1])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path
