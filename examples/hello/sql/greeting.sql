select 'Hello, ' || name || '!' as words, length(name) as letters
from params
