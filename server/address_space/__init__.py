"""The address space: twins and tags as OPC UA nodes, made on demand."""

from server.address_space.history_nodes import HistoryView
from server.address_space.index import AddressSpaceError
from server.address_space.kinds import is_stepped
from server.address_space.method_views import AnalyticsMethods, Argument, MethodView
from server.address_space.twin_space import TwinSpace
from server.address_space.values import data_value

__all__ = [
    "AddressSpaceError",
    "AnalyticsMethods",
    "Argument",
    "HistoryView",
    "MethodView",
    "TwinSpace",
    "data_value",
    "is_stepped",
]
