"""What the promises cost: the lake against bare scripts that do the same work without them, in one run."""
