"""The loop of a search, its limits, and the evaluator that it drives."""
