"""A push service and the browser behind it (RFC 8030, 8291, 8292). Encrypted messages come in, decrypted ones
are shown."""
