SELECT date_trunc('hour', started_at) AS hour, station, sum(inflow) AS inflow
FROM flow
GROUP BY date_trunc('hour', started_at), station
