-- One row a universe, period and stage. What is not known is NULL; nothing is estimated.
SELECT universe,
       period,
       stage,
       CAST(max(CASE WHEN measure = 'companies' THEN value END) AS INTEGER) AS companies,
       max(CASE WHEN measure = 'amount' THEN value END) AS amount_yi,
       CAST(max(CASE WHEN measure = 'amount' THEN value END) * 100000000 AS DECIMAL(18, 2)) AS amount_yuan,
       CAST(max(CASE WHEN measure = 'intangible_companies' THEN value END) AS INTEGER) AS intangible_companies,
       max(CASE WHEN measure = 'intangible_amount' THEN value END) AS intangible_yi,
       max(CASE WHEN measure = 'inventory_amount' THEN value END) AS inventory_yi,
       max(CASE WHEN measure = 'development_amount' THEN value END) AS development_yi,
       max(CASE WHEN measure = 'telco_amount' THEN value END) AS telco_yi,
       max(CASE WHEN measure = 'finance_amount' THEN value END) AS finance_yi,
       string_agg(DISTINCT tag, ',' ORDER BY tag) AS tags,
       string_agg(DISTINCT source, ',' ORDER BY source) AS sources
FROM facts
GROUP BY universe, period, stage
ORDER BY universe, period, stage
