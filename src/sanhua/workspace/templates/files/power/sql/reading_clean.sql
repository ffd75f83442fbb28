-- One reading a meter and hour: of several, the one received last; without a value, negative or beyond the meter: left out.
SELECT meter_no, hour_start, kwh
FROM (
  SELECT meter_no, hour_start, kwh,
         row_number() OVER (PARTITION BY meter_no, hour_start ORDER BY received_at DESC, kwh) AS place
  FROM readings
  WHERE kwh BETWEEN 0 AND 2000
) AS placed
WHERE place = 1
