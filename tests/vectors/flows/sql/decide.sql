select case when "default".probability > 0.5 then 'refer' else 'accept' end as outcome,
       'probability of default' as reason
from "default", fraud
