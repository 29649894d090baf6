"""From model files to example-major tables, and every fault of a store."""
