"""The three ways a user's input can be wrong.

Every message names the thing, what it got, what it wanted and how to mend it, in one line; the commands
print it without a traceback.
"""

from __future__ import annotations


class SourceError(OSError):
    """A camera, stream or file that cannot be opened, or that was lost while running."""


class ModelError(ValueError):
    """A bundle, graph or checkpoint that is not what its spec says, or whose name is not known."""


class ConfigError(ValueError):
    """An option, a configuration file or a dataset that cannot be used as given."""
