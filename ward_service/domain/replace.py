"""`replace` of what is replaced many times a second: a state, an alert. Frozen things stay so.

The library's own asks each of their thirty fields by name and sets it again, which was a third of
a replay. Whatever keeps its fields in slots is left to the library.
"""

from typing import TYPE_CHECKING

__all__ = ["replace"]

if TYPE_CHECKING:
    from dataclasses import replace  # so that every field and its type are checked
else:
    import dataclasses

    def replace(thing, /, **changes):
        """Return a frozen dataclass with some fields changed.

        Raises:
            TypeError: it has no such field.
        """
        fields = getattr(thing, "__dict__", None)
        if fields is None or not changes.keys() <= fields.keys():
            return dataclasses.replace(thing, **changes)
        made = object.__new__(type(thing))
        made.__dict__.update(fields, **changes)
        return made
