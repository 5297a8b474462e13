#!/usr/bin/env python3
"""mark.py CHANNEL SEQ: applications of the channel up to SEQ are decided. Safe to repeat."""

import sqlite3
import sys


def main() -> int:
    channel, seq = sys.argv[1], int(sys.argv[2])
    connection = sqlite3.connect("app.db", timeout=10)
    with connection:
        connection.execute("update progress set done_seq = max(done_seq, ?) where channel = ?",
                           (seq, channel))
    connection.close()
    print(f"{channel}: decided up to application {seq}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
