"""Memory planning: buffers with lifetimes to offsets in one arena."""

from itrt.planner.allocation import Allocation, allocate
from itrt.planner.instances import Instance, read_instance, write_instance

__all__ = ["Allocation", "Instance", "allocate", "read_instance", "write_instance"]
