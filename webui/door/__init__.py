"""The front door: who was turned away, whether people outside can reach the box, and its certificate."""
