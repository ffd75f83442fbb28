SELECT CAST(date_trunc('day', started_at) AS DATE) AS day, station, sum(inflow) AS inflow, count(*) AS periods
FROM flow
GROUP BY CAST(date_trunc('day', started_at) AS DATE), station
