"""Trains Flywheel's policies with LeRobot's own trainer, behind the command contract (docs/training.md)."""

__version__ = "0.1.0"
