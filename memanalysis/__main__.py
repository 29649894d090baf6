"""``python -m memanalysis`` is the command line."""

from memanalysis.cli import main

if __name__ == "__main__":
    main()
