"""One candidate on one fold: slicing, fitting, scoring."""
