"""One file a runtime: `open_runner` loads a model and returns the function that is timed, from image to labels.

The files of the peers import nothing of itrt: they are loaded by their path in fresh processes, whose start and memory
are the peer's alone.
"""
