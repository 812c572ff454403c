"""A simulated arm that reaches and pushes, as robots of a Flywheel fleet."""

from .arm import ACTION_LIMIT, OBSERVATIONS, RATE_HZ, TASKS, Arm
from .body import Body, Camera, read_body
from .expert import expert_action

__all__ = ["ACTION_LIMIT", "OBSERVATIONS", "RATE_HZ", "TASKS", "Arm", "Body", "Camera", "expert_action", "read_body"]
