-- The application form of one applicant, from the lender's own database (SQLite).
select duration, amount, purpose, property, housing, job, telephone
from applications
where id = {{ applicant_id }}
