"""Trains Flywheel's policies with PyTorch, behind the `command` contract of docs/training.md.

`job`, `settings` and `lines` need nothing but Python, `order` numpy, `rows` and `augment` also pyarrow and Pillow; the rest needs torch.
"""

__version__ = "0.1.0"
