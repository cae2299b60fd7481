"""Values that ``fit`` prepares before the first fit, and the run that works with them."""
