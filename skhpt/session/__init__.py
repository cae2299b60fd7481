"""Values that ``fit`` prepares before anything is fitted."""
