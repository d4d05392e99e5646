"""Local stand-ins for SendGrid, Twilio, web push services and Stripe, on 127.0.0.1 only. Provider requests
come in; the provider's own answers, its webhooks, and a page that shows what was received go out."""
