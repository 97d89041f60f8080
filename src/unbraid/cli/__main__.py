"""`python -m unbraid.cli`."""

import sys

from unbraid.cli import main

sys.exit(main())
