"""SendGrid's v3 Mail Send and its event webhook. Requests with a bearer key come in, SendGrid's answers go
out."""
