"""Runs a training program on a cluster, behind the `command` contract of docs/training.md: a program of the contract on one side, the cluster's own commands on the other."""

__version__ = "0.1.0"
