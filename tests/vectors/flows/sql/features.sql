-- {{ not an expression: a comment }}
select bureau.score as score,
       coalesce(bank.balance, 0) as balance,
       {{ requested }} / (1 + coalesce(bank.balance, 0)) as burden
from bureau, bank, params, run
