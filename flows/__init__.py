"""The flows, the steps that they share, and the command that runs them."""

import os

# Arrow reads it once, when it is loaded. Its own pool keeps what parsing and compressing freed: 100 MB after the tables
# of 68,000 documents, and `pa.set_memory_pool` does not reach what is allocated within Arrow.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
