"""`python -m unbraid`: the command line."""

import sys

from unbraid.cli import main

sys.exit(main())
