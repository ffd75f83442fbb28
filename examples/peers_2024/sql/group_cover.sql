-- How many of the companies the named sectors, or regions, account for; the rest has no source.
SELECT g.period, g.kind, CAST(sum(g.companies) AS INTEGER) AS named, max(b.companies) AS of_companies,
       CAST(max(b.companies) - sum(g.companies) AS INTEGER) AS not_named
FROM groups AS g
JOIN benchmark AS b ON b.universe = 'a_share' AND b.period = g.period
GROUP BY g.period, g.kind
ORDER BY g.period, g.kind
