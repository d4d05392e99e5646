"""Row level security: who may see and change the tables of Postroom. docs/row-level-security.md tells the whole."""
