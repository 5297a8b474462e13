#!/usr/bin/env python3
"""Trains the models of the lending example, out of fold, and stores them with golden rows.

    python3 -m venv .venv && .venv/bin/pip install -r requirements-train.txt
    .venv/bin/python train.py

For each fold k of five (sql/features.sql says whose applicants are in it):

  default-risk-k         P(default) from the bureau's report and the form
  repayment-capacity-k   P(repaid) from the bank's statement and the form
  pricing-risk-k         P(default) from the margins of these two and a few features

None of the three has seen an applicant of fold k. The margins that pricing-risk-k is trained on
come from models that have not seen *their* applicant either: for each inner fold j they are trained
on the three folds that are neither k nor j. Nothing here is random: one thread, fixed seeds.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import xgboost as xgb

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "stub"))
from vendor_stub import bank_accounts, bureau_report

FOLDS = 5
GOLDEN_ROWS = 24
PROTECTED = ("personal_status_and_sex", "age_in_years", "foreign_worker")
FORM = {"duration": ("duration_in_month", int), "amount": ("credit_amount", int),
        "purpose": ("purpose", str), "property": ("property", str), "housing": ("housing", str),
        "job": ("job", str), "telephone": ("telephone", str)}

LOAN = ["duration", "amount", "payment", "log_amount", "log_payment", "root_duration",
        "duration_years", "for_new_car", "for_used_car", "for_furniture", "for_television",
        "for_education", "for_business", "for_repairs", "for_other", "is_long_term",
        "is_short_term", "is_large", "amount_for_car", "duration_of_investment"]
BUREAU = ["history_critical", "history_delay", "history_paid", "history_all_paid_here",
          "history_no_credits", "existing_credits", "plans_at_banks", "plans_at_stores",
          "has_guarantor", "has_co_applicant", "residence_years", "other_plans",
          "open_obligations", "keeps_critical_credits", "amount_times_credits"]
SECURITY = ["property_level", "owns_home", "rents_home", "security", "amount_to_security",
            "unsecured_duration", "job_level", "has_telephone"]
BANK = ["no_checking", "checking_level", "savings_level", "savings_amount", "employment_level",
        "employment_years", "installment_rate", "installment_share", "dependents", "income",
        "log_income", "amount_to_income", "left_over", "left_over_a_head", "months_saved",
        "savings_to_amount", "is_overdrawn", "savings_unknown", "is_without_reserve",
        "is_new_at_work", "has_many_dependents", "stability", "career", "liquidity",
        "payments_of_all_plans", "share_of_all_plans", "burden_over_time"]
FIRST = {"default-risk": BUREAU + LOAN + SECURITY,
         "repayment-capacity": BANK + ["duration", "amount", "payment", "duration_years"]}
MARGINS = ["default_margin", "capacity_margin"]
PRICING = MARGINS + ["checking_level", "no_checking", "liquidity", "duration", "amount",
                     "share_of_all_plans", "history_critical", "security", "stability"]

COMMON = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "seed": 1,
          "max_bin": 128, "base_score": 0.3}
FIRST_PARAMS = COMMON | {"max_depth": 3, "eta": 0.08, "min_child_weight": 4, "lambda": 4,
                         "subsample": 0.8, "colsample_bytree": 0.5}
FIRST_TREES = 60
SECOND_PARAMS = COMMON | {"max_depth": 2, "eta": 0.08, "min_child_weight": 8, "lambda": 8,
                          "subsample": 0.8, "colsample_bytree": 0.7}
SECOND_TREES = 40

Table = dict[str, np.ndarray]


def one_row(connection: duckdb.DuckDBPyConnection, name: str, row: dict[str, Any]) -> None:
    columns = ", ".join(f"{'BIGINT' if isinstance(v, int) else 'VARCHAR'}" for v in row.values())
    types = columns.split(", ")
    marks = ", ".join(f"cast(? as {kind}) as {key}" for key, kind in zip(row, types))
    connection.execute(f"create or replace temp table {name} as select {marks}",
                       list(row.values()))


def features_of(rows: list[dict[str, str]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """sql/features.sql over each applicant, by inputs of the shape that the flow gives it."""
    text = (ROOT / "sql" / "features.sql").read_text(encoding="utf-8")
    connection = duckdb.connect(":memory:", config={"threads": 1})
    answers: list[tuple[Any, ...]] = []
    names: list[str] = []
    for row in rows:
        one_row(connection, "params", {"applicant_id": int(row["id"])})
        one_row(connection, "application",
                {name: kind(row[source]) for name, (source, kind) in FORM.items()})
        bureau = {k: v for k, v in bureau_report(row).items() if k != "hit"}
        one_row(connection, "bureau", bureau)
        one_row(connection, "bank", bank_accounts(row))
        cursor = connection.execute(text)
        names = [column[0] for column in cursor.description]
        found = cursor.fetchall()
        if len(found) != 1:
            raise SystemExit(f"sql/features.sql gave {len(found)} rows for applicant {row['id']}")
        answers.append(found[0])
    return names, answers


def load(path: Path) -> tuple[Table, np.ndarray]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names, answers = features_of(rows)
    if any(name in PROTECTED for name in names):
        raise SystemExit("a protected attribute is among the features")
    table = {name: np.array([np.nan if a[i] is None else float(a[i]) for a in answers],
                            dtype=np.float64)
             for i, name in enumerate(names)}
    return table, np.array([int(row["default_flag"]) for row in rows])


def matrix(table: Table, names: list[str], label: np.ndarray | None = None) -> xgb.DMatrix:
    values = np.column_stack([table[name] for name in names]).astype(np.float32)
    return xgb.DMatrix(values, label=label, feature_names=names, nthread=1)


def pick(table: Table, chosen: np.ndarray) -> Table:
    return {name: column[chosen] for name, column in table.items()}


def label_of(model: str, defaulted: np.ndarray) -> np.ndarray:
    return 1 - defaulted if model == "repayment-capacity" else defaulted


def train_first(model: str, table: Table, defaulted: np.ndarray, chosen: np.ndarray) -> xgb.Booster:
    label = label_of(model, defaulted)[chosen]
    params = FIRST_PARAMS | {"base_score": float(label.mean())}
    data = matrix(pick(table, chosen), FIRST[model], label)
    return xgb.train(params, data, num_boost_round=FIRST_TREES)


def margins(booster: xgb.Booster, table: Table, names: list[str]) -> np.ndarray:
    return booster.predict(matrix(table, names), output_margin=True)


def with_margins(table: Table, boosters: dict[str, xgb.Booster]) -> Table:
    default, capacity = (margins(boosters[m], table, FIRST[m]) for m in FIRST)
    return table | {"default_margin": default.astype(np.float64),
                    "capacity_margin": capacity.astype(np.float64)}


def auc(score: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive has a higher score than a negative; ties count half."""
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    for value in np.unique(score):
        same = score == value
        ranks[same] = ranks[same].mean()
    n, m = int(positive.sum()), int((1 - positive).sum())
    return float((ranks[positive == 1].sum() - n * (n + 1) / 2) / (n * m))


def save(folder: Path, booster: xgb.Booster, table: Table, names: list[str],
         rows: np.ndarray) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.json")
    chosen = rows[np.linspace(0, len(rows) - 1, GOLDEN_ROWS).astype(int)]
    part = pick(table, chosen)
    data = matrix(part, names)
    predictions, raw = booster.predict(data), booster.predict(data, output_margin=True)
    with open(folder / "golden.jsonl", "w", encoding="utf-8") as file:
        for i in range(len(chosen)):
            values = {name: None if np.isnan(part[name][i]) else float(np.float32(part[name][i]))
                      for name in names}
            file.write(json.dumps({"features": values, "prediction": float(predictions[i]),
                                   "margin": float(raw[i])}) + "\n")
    return (folder / "model.json").stat().st_size


def train_fold(k: int, table: Table, defaulted: np.ndarray, out: Path) -> Table:
    """Trains and stores the three models of fold k; the scores of its applicants."""
    fold = table["fold"].astype(int)
    seen, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
    first = {m: train_first(m, table, defaulted, seen) for m in FIRST}
    nested = {name: np.zeros(len(fold)) for name in MARGINS}
    for j in (j for j in range(FOLDS) if j != k):
        inner = np.flatnonzero(fold == j)
        rest = np.flatnonzero((fold != j) & (fold != k))
        boosters = {m: train_first(m, table, defaulted, rest) for m in FIRST}
        stacked = with_margins(pick(table, inner), boosters)
        for name in MARGINS:
            nested[name][inner] = stacked[name]
    label = defaulted[seen]
    params = SECOND_PARAMS | {"base_score": float(label.mean())}
    second = xgb.train(params, matrix(pick(table | nested, seen), PRICING, label),
                       num_boost_round=SECOND_TREES)
    served = with_margins(table, first)
    total = 0
    for model, booster in first.items():
        total += save(out / f"{model}-{k}", booster, table, FIRST[model], held)
    total += save(out / f"pricing-risk-{k}", second, served, PRICING, held)
    print(f"fold {k}: {len(seen)} seen, {len(held)} held out, {total} bytes of models")
    part = pick(served, held)
    return {"row": held.astype(float), "default-risk": part["default_margin"],
            "repayment-capacity": -part["capacity_margin"],
            "pricing-risk": second.predict(matrix(part, PRICING)).astype(float)}


def main() -> int:
    parser = argparse.ArgumentParser(description="trains the models of the lending example")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "german_credit.csv")
    parser.add_argument("--out", type=Path, default=ROOT / "models")
    parser.add_argument("--scores", type=Path, default=ROOT / "models" / "held_out_scores.csv",
                        help="every applicant's score by models that never saw them")
    arguments = parser.parse_args()
    table, defaulted = load(arguments.data)
    print(f"{len(defaulted)} applicants, {len(table) - 1} features")
    parts = [train_fold(k, table, defaulted, arguments.out) for k in range(FOLDS)]
    rows = np.concatenate([p["row"] for p in parts]).astype(int)
    for model in ("default-risk", "repayment-capacity", "pricing-risk"):
        score = np.concatenate([p[model] for p in parts])
        print(f"{model}: held-out AUC {auc(score, defaulted[rows]):.4f}")
        if arguments.scores and model == "pricing-risk":
            lines = sorted(zip(rows + 1, score, strict=True))
            arguments.scores.write_text("".join(f"{i},{float(s)!r}\n" for i, s in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
