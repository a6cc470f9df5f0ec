"""A small live shop with real faults, to record incidents from and to demonstrate on."""
