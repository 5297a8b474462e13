-- The decision: outcome, price and up to four reasons. Reasons are facts that were scored, in the
-- order of how much more often such applicants defaulted.
with found as (
  select 1 as place, 'No running credit shows how payments are kept' as reason
  from features where history_no_credits = 1 or history_all_paid_here = 1
  union all
  select 2, 'The checking account is overdrawn' from features where is_overdrawn = 1
  union all
  select 3, 'The loan runs for more than two years' from features where is_long_term = 1
  union all
  select 4, 'No property and no savings agreement stands behind the loan'
  from features where property_level = 0
  union all
  select 5, 'The amount is above 5,000' from features where is_large = 1
  union all
  select 6, 'Installment plans with other lenders are running' from features where other_plans > 0
  union all
  select 7, 'The present employment is shorter than one year' from features where is_new_at_work = 1
  union all
  select 8, 'The amount is high for the estimated income' from features where amount_to_income > 6
  union all
  select 9, 'Savings are below 100' from features where savings_level = 0
  union all
  select 10, 'Earlier credits were paid with delay' from features where history_delay = 1
  union all
  select 11, 'All installments together take a large part of the income'
  from features where share_of_all_plans >= 0.3e0
  union all
  select 12, 'The home is rented' from features where rents_home = 1
  union all
  select 13, 'The checking account holds less than 200' from features where checking_level = 1
  union all
  select 14, 'The loan would buy a new car' from features where for_new_car = 1
  union all
  select 15, 'Savings are less than one installment' from features where months_saved < 1
),
numbered as (
  select f.reason as reason, count(*) as nth
  from found as f join found as before on before.place <= f.place
  group by f.place, f.reason
),
reasons as (
  select
    max(case when nth = 1 then reason end) as reason_1,
    max(case when nth = 2 then reason end) as reason_2,
    max(case when nth = 3 then reason end) as reason_3,
    max(case when nth = 4 then reason end) as reason_4
  from numbered
),
judged as (
  select
    params.applicant_id as applicant_id,
    case
      when cast(p.score as double) < 0.30e0 then 'approve'
      when cast(p.score as double) < 0.50e0 then 'refer'
      else 'decline' end as outcome,
    cast(p.score as double) as score,
    cast(d.score as double) as default_risk,
    cast(c.score as double) as repayment_capacity,
    f.amount as asked_amount
  from params
    cross join features as f
    cross join default_risk as d
    cross join repayment_capacity as c
    cross join pricing_risk as p
)
select
  j.applicant_id as applicant_id,
  j.outcome as outcome,
  j.score as score,
  j.default_risk as default_risk,
  j.repayment_capacity as repayment_capacity,
  j.asked_amount as asked_amount,
  case j.outcome
    when 'approve' then j.asked_amount
    when 'refer' then floor(j.asked_amount * (1 - j.score) / 100e0) * 100
    else 0e0 end as offered_amount,
  case when j.outcome <> 'decline' then round(4.9e0 + 18 * j.score, 2) end as rate_percent,
  case when j.outcome <> 'approve' then r.reason_1 end as reason_1,
  case when j.outcome <> 'approve' then r.reason_2 end as reason_2,
  case when j.outcome <> 'approve' then r.reason_3 end as reason_3,
  case when j.outcome <> 'approve' then r.reason_4 end as reason_4
from judged as j cross join reasons as r
