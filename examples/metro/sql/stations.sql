-- sql/stations.sql
-- Station 54 never reports, so that the counters' numbers above it are one lower.
SELECT CAST(column1 AS BIGINT) AS raw_station,
       CASE WHEN CAST(column1 AS BIGINT) < 54 THEN CAST(column1 AS BIGINT)
            WHEN CAST(column1 AS BIGINT) > 54 THEN CAST(column1 AS BIGINT) - 1 END AS station
FROM network
