"""How a service serves: the pipeline around every call, health, and the process that runs it all."""
