"""The parts of demo.py: who applies, how they arrive, what serves them, and the account at the end."""
