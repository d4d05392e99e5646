"""The providers that jobs read from, a module each: in, a question; out, frozen dataclasses, or an error that says «retry?»."""
