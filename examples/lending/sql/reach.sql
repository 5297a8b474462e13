-- How far this run reaches: the newest of the next applications of a channel (SQLite). One row, NULL if
-- nobody waits.
select max(seq) as upto
from (select seq from applications
      where channel = {{ channel }}
        and seq > (select done_seq from progress where channel = {{ channel }})
      order by seq
      limit 200)
