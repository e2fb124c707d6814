"""PostgreSQL through SQLAlchemy: base classes, row scope, sessions and the unit of work."""
