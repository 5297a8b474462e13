"""The parts of demo.py: who applies, how they arrive, what serves them, the account at the end."""
