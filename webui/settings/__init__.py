"""The firm itself, the history of its settings with undo, and how the box is."""
