-- One row an interval, stamped at its start: the reading that closes a day is stamped 0:00 of the same date.
SELECT 'P1' AS plant,
       CASE WHEN date_trunc('day', ended_at) = ended_at THEN ended_at + INTERVAL 1 DAY ELSE ended_at END
         - INTERVAL 15 MINUTE AS started_at,
       kwh, load_type
FROM steel_readings
