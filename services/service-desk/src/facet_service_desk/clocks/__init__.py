"""The service clocks of tickets, and the timers that tell when a promise runs out."""
