"""Runs Python functions for Tidemill's spawner: warm interpreters that fork a child per call.

Embedded in the server's program and written to the data directory. Pure standard library, 3.9 and
up.
"""
