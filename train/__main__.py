"""`python -m actrec.train` is `actrec-train`."""

from .cli import main

if __name__ == "__main__":
    main()
