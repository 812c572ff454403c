"""`python -m flywheel_launcher cluster.json job.json`."""

import sys

from .main import main

sys.exit(main())
