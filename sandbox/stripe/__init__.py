"""Stripe's payouts and balance transactions. Authenticated GET requests come in, Stripe's lists and errors go
out."""
