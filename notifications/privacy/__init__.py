"""What a person may ask of us: in, a customer's id; out, all that we hold of them, or the proof that it is gone."""
