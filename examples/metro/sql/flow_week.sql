SELECT CAST(date_trunc('week', day) AS DATE) AS week, station, sum(inflow) AS inflow, count(*) AS days
FROM flow_day
GROUP BY CAST(date_trunc('week', day) AS DATE), station
