"""Data-parallel training: replicas of one network, each of which takes its share of every batch.

The batch stays what it is. A replica is a device of one process, or a process of its own: a *rank*. Each framework's
file has a class `Engine`, made and asked as any other; its numbers are those of one network trained on whole batches.
"""
