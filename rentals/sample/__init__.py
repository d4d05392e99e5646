"""A sample rental business: in, a Plan (sizes, seed, moment); out, its rows, the same every time, or a filled database."""
