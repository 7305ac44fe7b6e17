"""`python -m digitrec` is the same as the command `digitrec`; see `cli`."""

import sys

from digitrec.cli import main

if __name__ == "__main__":
    sys.exit(main())
