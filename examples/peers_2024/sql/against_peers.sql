-- A company's own line set against the totals that are known: the percentage of the total, and how
-- many times the mean of a company. The days differ; whether it is one of them is not known for each.
-- First filings are left out: several were corrected away afterwards.
SELECT c.company, c.day, c.line, c.amount, b.period, b.companies, b.amount_yuan,
       CAST(100 * c.amount / b.amount_yuan AS DECIMAL(12, 4)) AS percent_of_total,
       CAST(b.amount_yuan / b.companies AS DECIMAL(18, 2)) AS mean_yuan,
       CAST(c.amount * b.companies / b.amount_yuan AS DECIMAL(12, 4)) AS times_mean,
       c.tag AS tag_of_company, b.tags AS tags_of_peers
FROM companies AS c
CROSS JOIN benchmark AS b
WHERE b.universe = 'a_share' AND b.stage <> 'first_filed' AND b.amount_yuan IS NOT NULL AND b.companies IS NOT NULL
ORDER BY c.company, b.period, b.stage
