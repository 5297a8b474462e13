-- The features of one applicant, from the form, the bureau's report and the bank's statement.
-- train.py runs this same text over all applicants, so a model is scored on what it was trained on.
-- Sex, marital status, age and nationality are in none of the inputs.
-- A CASE without ELSE is NULL where the answer says "unknown": to the models that is missing.
with levels as (
  select
    -- which of the five sets of models has never seen this applicant
    ((params.applicant_id * 2654435761) % 4294967296) % 5 as fold,

    -- the bureau: how earlier credits went
    case when b.credit_history = 'critical account/ other credits existing (not at this bank)'
         then 1 else 0 end as history_critical,
    case when b.credit_history = 'delay in paying off in the past' then 1 else 0 end as history_delay,
    case when b.credit_history = 'existing credits paid back duly till now'
         then 1 else 0 end as history_paid,
    case when b.credit_history = 'all credits at this bank paid back duly'
         then 1 else 0 end as history_all_paid_here,
    case when b.credit_history = 'no credits taken/ all credits paid back duly'
         then 1 else 0 end as history_no_credits,
    b.existing_credits as existing_credits,
    case when b.other_plans = 'bank' then 1 else 0 end as plans_at_banks,
    case when b.other_plans = 'stores' then 1 else 0 end as plans_at_stores,
    case when b.other_parties = 'guarantor' then 1 else 0 end as has_guarantor,
    case when b.other_parties = 'co-applicant' then 1 else 0 end as has_co_applicant,
    b.residence_years as residence_years,

    -- the bank: accounts, work, what an installment takes of the income
    case when k.checking = 'no checking account' then 1 else 0 end as no_checking,
    case k.checking
      when '... < 0 DM' then 0
      when '0 <= ... < 200 DM' then 1
      when '... >= 200 DM / salary assignments for at least 1 year' then 2 end as checking_level,
    case k.savings
      when '... < 100 DM' then 0
      when '100 <= ... < 500 DM' then 1
      when '500 <= ... < 1000 DM' then 2
      when '... >= 1000 DM' then 3 end as savings_level,
    case k.savings
      when '... < 100 DM' then 50e0
      when '100 <= ... < 500 DM' then 300e0
      when '500 <= ... < 1000 DM' then 750e0
      when '... >= 1000 DM' then 1500e0
      else 0e0 end as savings_amount,
    case k.employment
      when 'unemployed' then 0
      when '... < 1 year' then 1
      when '1 <= ... < 4 years' then 2
      when '4 <= ... < 7 years' then 3
      when '... >= 7 years' then 4 end as employment_level,
    case k.employment
      when 'unemployed' then 0e0
      when '... < 1 year' then 0.5e0
      when '1 <= ... < 4 years' then 2.5e0
      when '4 <= ... < 7 years' then 5.5e0
      else 10e0 end as employment_years,
    k.installment_rate as installment_rate,
    case k.installment_rate when 1 then 0.40e0 when 2 then 0.30e0 when 3 then 0.225e0
         else 0.15e0 end as installment_share,
    k.dependents as dependents,

    -- the form: what is asked for, and what stands behind it
    a.duration as duration,
    cast(a.amount as double) as amount,
    cast(a.amount as double) / a.duration as payment,
    case when a.purpose = 'car (new)' then 1 else 0 end as for_new_car,
    case when a.purpose = 'car (used)' then 1 else 0 end as for_used_car,
    case when a.purpose = 'furniture/equipment' then 1 else 0 end as for_furniture,
    case when a.purpose = 'radio/television' then 1 else 0 end as for_television,
    case when a.purpose = 'education' or a.purpose = 'retraining' then 1 else 0 end as for_education,
    case when a.purpose = 'business' then 1 else 0 end as for_business,
    case when a.purpose = 'repairs' or a.purpose = 'domestic appliances'
         then 1 else 0 end as for_repairs,
    case when a.purpose = 'others' then 1 else 0 end as for_other,
    case
      when a.property = 'real estate' then 3
      when a.property like 'building society%' then 2
      when a.property like 'car or other%' then 1
      else 0 end as property_level,
    case when a.housing = 'own' then 1 else 0 end as owns_home,
    case when a.housing = 'rent' then 1 else 0 end as rents_home,
    case
      when a.job like 'management%' then 3
      when a.job like 'skilled%' then 2
      when a.job like 'unskilled%' then 1
      else 0 end as job_level,
    case when a.telephone like 'yes%' then 1 else 0 end as has_telephone
  from params cross join application as a cross join bureau as b cross join bank as k
),
burdens as (
  select
    *,
    payment / installment_share as income,
    plans_at_banks + plans_at_stores as other_plans,
    savings_amount / payment as months_saved
  from levels
)
select
  fold,
  -- 1 to 11: the bureau
  history_critical, history_delay, history_paid, history_all_paid_here, history_no_credits,
  existing_credits, plans_at_banks, plans_at_stores, has_guarantor, has_co_applicant,
  residence_years,
  -- 12 to 20: the bank
  no_checking, checking_level, savings_level, savings_amount, employment_level, employment_years,
  installment_rate, installment_share, dependents,
  -- 21 to 36: the form
  duration, amount, payment,
  for_new_car, for_used_car, for_furniture, for_television, for_education, for_business,
  for_repairs, for_other, property_level, owns_home, rents_home, job_level, has_telephone,
  -- 37 to 52: what one answer says about another
  ln(amount) as log_amount,
  ln(payment) as log_payment,
  sqrt(duration) as root_duration,
  duration / 12e0 as duration_years,
  income,
  ln(income) as log_income,
  amount / income as amount_to_income,
  income - payment as left_over,
  (income - payment) / (1 + dependents) as left_over_a_head,
  months_saved,
  savings_amount / amount as savings_to_amount,
  other_plans,
  existing_credits + other_plans as open_obligations,
  payment * (1 + other_plans) as payments_of_all_plans,
  payment * (1 + other_plans) / income as share_of_all_plans,
  amount * existing_credits as amount_times_credits,
  -- 53 to 64: thresholds and combinations that a loan officer looks at
  case when duration > 24 then 1 else 0 end as is_long_term,
  case when duration <= 12 then 1 else 0 end as is_short_term,
  case when amount > 5000 then 1 else 0 end as is_large,
  case when checking_level = 0 then 1 else 0 end as is_overdrawn,
  case when savings_level is null then 1 else 0 end as savings_unknown,
  case when checking_level = 0 and savings_level = 0 then 1 else 0 end as is_without_reserve,
  case when employment_years < 1e0 then 1 else 0 end as is_new_at_work,
  case when dependents > 1 then 1 else 0 end as has_many_dependents,
  case when history_critical = 1 and existing_credits > 1 then 1 else 0 end as keeps_critical_credits,
  employment_years + residence_years as stability,
  employment_years * job_level as career,
  coalesce(checking_level, 1) + coalesce(savings_level, 0) as liquidity,
  -- 65 to 70: the loan against its security and its purpose
  property_level + owns_home * 2 + has_guarantor * 2 as security,
  amount / (1 + property_level + owns_home) as amount_to_security,
  (for_new_car + for_used_car) * amount as amount_for_car,
  (for_business + for_education) * duration as duration_of_investment,
  is_without_security * duration as unsecured_duration,
  duration * installment_share as burden_over_time
from (select *, case when property_level = 0 and owns_home = 0 then 1 else 0 end
                  as is_without_security
      from burdens) as b
