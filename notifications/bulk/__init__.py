"""Acts on any number of messages: asked for and recorded, chosen, done chunk by chunk, stopped, undone."""
