"""Two-stage brain tumor pipeline: a ResNet classifies slices, a ResUNet segments them.

This is the facade: what ``dashboard/`` may call. ``__init__.pyi`` has its names. Each is imported
when it is first used, and none of them imports a model runtime: the web process stays small.
"""

import lazy_loader

#: As in pyproject.toml, which a test compares.
__version__ = "0.2.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
