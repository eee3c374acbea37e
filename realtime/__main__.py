"""`python -m actrec.realtime` is `actrec-live`."""

from .cli import main

main()
