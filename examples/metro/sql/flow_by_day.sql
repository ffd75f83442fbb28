-- sql/flow_by_day.sql
-- Days of which all 288 periods are there: the others cannot be held against the day's closing.
SELECT CAST(date_trunc('day', started_at) AS DATE) AS day, station, sum(inflow) AS inflow
FROM flow
GROUP BY CAST(date_trunc('day', started_at) AS DATE), station
HAVING count(*) = 288
