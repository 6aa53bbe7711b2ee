"""A store from outside: opened, visited while it runs, copied, wherever it is."""
