"""The first page, a part a module: in, figures; out, what its templates show. `config/admin_home.py` puts them together."""
