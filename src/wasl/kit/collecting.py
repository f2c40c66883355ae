"""The garbage collector of a process that handles messages: out of the way.

A batch makes tens of thousands of objects that are gone with it, without a cycle among them. With Python's own
threshold of 700 the collector looks through all of them again and again: a tenth of a worker's CPU (`bench/intake`).
"""

import gc


def settle() -> None:
    """Call once, when everything that stays is in memory."""
    gc.collect()
    gc.freeze()  # what is here now stays: with it out of the way a full collection is short
    gc.set_threshold(20_000, 20, 50)
