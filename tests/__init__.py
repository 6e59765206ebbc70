"""The same rooms as the product has, and what only tests have: bench, captures, journeys."""
