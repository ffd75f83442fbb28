-- Energy of a customer in an hour: the meter's difference times its multiplier, at the tariff of the hour.
SELECT c.customer_no,
       r.hour_start,
       trim(t.period) AS period,
       CAST(r.kwh * m.multiplier AS DECIMAL(14, 3)) AS kwh,
       t.price
FROM reading_clean AS r
JOIN meters AS m ON m.meter_no = r.meter_no
JOIN customer_clean AS c ON c.customer_no = m.customer_no
JOIN tariffs AS t
  ON t.voltage = c.voltage
 AND extract(hour FROM r.hour_start) >= t.from_hour
 AND extract(hour FROM r.hour_start) < t.to_hour
