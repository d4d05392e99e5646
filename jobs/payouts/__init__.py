"""One payout against our books: in, what Stripe says is in it; out, what agrees, what does not, and a row that says so.

read (page by page: match our payments, and add both up to a statement) → finding (the verdict) → write (one transaction).
"""
