-- Who applied through a channel and is not yet decided, as far as `reach` reaches (SQLite).
select id
from applications
where channel = {{ channel }}
  and seq > (select done_seq from progress where channel = {{ channel }})
  and seq <= {{ reach.upto }}
order by seq
