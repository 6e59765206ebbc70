"""What measurements share: a box to measure, telephones to load it with, scales."""
