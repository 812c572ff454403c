"""`python -m flywheel_pytorch job.json`."""

import sys

from .main import main

sys.exit(main())
