"""Schema of the project service's database."""
