"""«Which rows», as QuerySet verbs: a module for what belongs together; in, `now`; out, rows chosen in SQL."""
