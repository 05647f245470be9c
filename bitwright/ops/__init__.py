"""The operators: one file each. Every module of this folder is imported, which registers what it defines."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
