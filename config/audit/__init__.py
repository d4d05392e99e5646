"""The audit log: every act of staff, to read, to filter and to take away as CSV."""
