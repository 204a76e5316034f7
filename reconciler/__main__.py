"""`python -m reconciler` is `reconciler`."""

from reconciler.cli.front import main

if __name__ == "__main__":
    main()
