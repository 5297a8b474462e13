#!/usr/bin/env python3
"""Two vendors on one port: a credit bureau and a bank, as a lender meets them.

Answers come from the columns of the applicants' file. Each takes 20 to 80 ms, always the same for
one applicant; some are 503 at first, a few take 3 seconds at first. An idempotency key is honoured:
the same key gets the same answer and is billed once. Every request is a line of the log file, with
its key and what it costs.

    vendor_stub.py --data german_credit.csv --log requests.jsonl [--port 0]

The first line on standard output is {"address": "127.0.0.1:PORT", "pid": N}.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO
from urllib.parse import parse_qs, urlsplit

MAX_HEADER_BYTES = 16_384
MAX_BODY_BYTES = 65_536
PRICES = {"bureau": "0.85", "bank": "0.20"}
UNAVAILABLE_PER_MILLE = 20
SLOW_PER_MILLE = 3
SLOW_SECONDS = 3.0
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           405: "Method Not Allowed", 409: "Conflict", 503: "Service Unavailable"}

Row = dict[str, str]
Answer = tuple[int, dict[str, Any]]


def draw(*parts: str) -> int:
    """A number below 2^32 that is the same for the same parts."""
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:4], "big")


def bureau_report(row: Row) -> dict[str, Any]:
    return {
        "applicant_id": int(row["id"]),
        "hit": True,
        "credit_history": row["credit_history"],
        "existing_credits": int(row["number_of_existing_credits_at_this_bank"]),
        "other_plans": row["other_installment_plans"],
        "other_parties": row["other_debtors_or_guarantors"],
        "residence_years": int(row["present_residence_since"]),
    }


def bank_accounts(row: Row) -> dict[str, Any]:
    return {
        "applicant_id": int(row["id"]),
        "checking": row["status_of_existing_checking_account"],
        "savings": row["savings_account_and_bonds"],
        "employment": row["present_employment_since"],
        "installment_rate": int(row["installment_rate_in_percentage_of_disposable_income"]),
        "dependents": int(row["number_of_people_being_liable_to_provide_maintenance_for"]),
    }


class Stub:
    def __init__(self, rows: dict[str, Row], log: TextIO) -> None:
        self.rows = rows
        self.log = log
        self.answers: dict[tuple[str, str], tuple[str, Answer]] = {}  # by vendor and key
        self.seen: dict[tuple[str, str], int] = {}  # requests of one applicant at one vendor
        self.products: dict[tuple[str, str], Callable[[str], tuple[str, dict[str, Any]] | None]] = {
            ("bureau", "POST"): self.ask_bureau, ("bank", "POST"): self.ask_bank}

    def ask_bureau(self, applicant: str) -> tuple[str, dict[str, Any]] | None:
        row = self.rows.get(applicant)
        return None if row is None else ("bureau", bureau_report(row))

    def ask_bank(self, applicant: str) -> tuple[str, dict[str, Any]] | None:
        row = self.rows.get(applicant)
        return None if row is None else ("bank", bank_accounts(row))

    def record(self, vendor: str, applicant: str, key: str, status: int, bill: str,
               began: float, took: float, replay: bool) -> None:
        line = {"began": round(began, 6), "vendor": vendor, "applicant": applicant, "key": key,
                "status": status, "bill": bill, "took_ms": round(took * 1000, 1),
                "replay": replay}
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()

    async def answer(self, method: str, target: str, headers: dict[str, str],
                     body: bytes) -> Answer:
        began = time.time()
        url = urlsplit(target)
        vendor = url.path.strip("/").split("/")[0]
        ask = self.products.get((vendor, method))
        if ask is None:
            known = vendor in PRICES
            return (405 if known else 404), {"error": f"{method} {url.path} is not offered"}
        if vendor == "bureau" and headers.get("authorization") != "Bearer demo-bureau-token":
            self.record(vendor, "", "", 401, "0", began, 0, False)
            return 401, {"error": "the token is not known"}
        applicant = self.applicant_of(url.query, body)
        key = headers.get("idempotency-key", "")
        nth = self.seen[(vendor, applicant)] = self.seen.get((vendor, applicant), 0) + 1
        # A request that a client gives up must still be answered the same way when it is repeated.
        earlier = self.answers.get((vendor, key)) if key else None
        if earlier is not None and earlier[0] != applicant:
            self.record(vendor, applicant, key, 409, "0", began, 0, False)
            return 409, {"error": "this idempotency key belongs to another request"}
        if earlier is not None:
            self.record(vendor, applicant, key, 200, "0", began, time.time() - began, True)
            return earlier[1]
        return await self.first_answer(vendor, ask, applicant, key, nth, began)

    async def first_answer(self, vendor: str, ask: Any, applicant: str, key: str, nth: int,
                           began: float) -> Answer:
        if nth == 1 and draw("unavailable", vendor, applicant) % 1000 < UNAVAILABLE_PER_MILLE:
            await asyncio.sleep(0.02)
            self.record(vendor, applicant, key, 503, "0", began, time.time() - began, False)
            return 503, {"error": "try again"}
        found = ask(applicant)
        if found is None:
            self.record(vendor, applicant, key, 404, "0", began, time.time() - began, False)
            return 404, {"error": f"no applicant {applicant}"}
        result: Answer = (200, found[1])
        if key:
            # Noted before the answer leaves: what was asked is billed, whether it is heard or not.
            self.answers[(vendor, key)] = (applicant, result)
        seconds = 0.020 + draw("latency", vendor, applicant) % 60_001 / 1e6
        if nth == 1 and draw("slow", vendor, applicant) % 1000 < SLOW_PER_MILLE:
            seconds = SLOW_SECONDS
        # Billed when asked, logged when asked: a client that goes away meanwhile has still to pay.
        self.record(vendor, applicant, key, 200, PRICES[vendor], began, seconds, False)
        await asyncio.sleep(seconds)
        return result

    @staticmethod
    def applicant_of(query: str, body: bytes) -> str:
        try:
            document = json.loads(body) if body else {}
        except ValueError:
            return ""
        if isinstance(document, dict) and "applicant_id" in document:
            return str(document["applicant_id"])
        return parse_qs(query).get("applicant_id", [""])[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self.serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError,
                ValueError):
            pass
        finally:
            writer.close()

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if length < 0 or length > MAX_BODY_BYTES:
            return False
        body = await reader.readexactly(length)
        status, document = await self.answer(method, target, headers, body)
        payload = json.dumps(document).encode()
        keep = headers.get("connection", "").lower() != "close"
        writer.write((f"HTTP/1.1 {status} {REASONS[status]}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
                      f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n").encode())
        writer.write(payload)
        await writer.drain()
        return keep


async def run(rows: dict[str, Row], log: TextIO, port: int) -> None:
    stub = Stub(rows, log)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", port, limit=MAX_HEADER_BYTES,
                                        backlog=1024)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(json.dumps({"address": address, "pid": os.getpid()}), flush=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="a bureau and a bank for the lending example")
    parser.add_argument("--data", required=True, help="the applicants' CSV file")
    parser.add_argument("--log", required=True, help="JSON lines, one a request; appended to")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    arguments = parser.parse_args()
    with open(arguments.data, encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    with open(arguments.log, "a", encoding="utf-8") as log:
        asyncio.run(run(rows, log, arguments.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
