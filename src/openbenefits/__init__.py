"""Benefits administration for professional employer organisations."""

import os

__version__ = "0.1.0"

# What one step of the kernel frees the next asks for again: Polars' allocator keeps it for some seconds and
# in large pages, instead of giving it back to the system at once (decision 0011). Read when Polars is loaded.
os.environ.setdefault("_RJEM_MALLOC_CONF", "thp:always,dirty_decay_ms:10000,muzzy_decay_ms:10000")
