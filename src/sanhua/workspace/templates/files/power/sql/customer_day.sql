-- A day of a customer by time-of-use period.
SELECT customer_no,
       CAST(hour_start AS DATE) AS day,
       count(*) AS hours,
       CAST(sum(kwh) AS DECIMAL(14, 3)) AS kwh,
       CAST(sum(CASE WHEN period = 'peak' THEN kwh ELSE 0 END) AS DECIMAL(14, 3)) AS peak_kwh,
       CAST(sum(CASE WHEN period = 'flat' THEN kwh ELSE 0 END) AS DECIMAL(14, 3)) AS flat_kwh,
       CAST(sum(CASE WHEN period = 'valley' THEN kwh ELSE 0 END) AS DECIMAL(14, 3)) AS valley_kwh,
       CAST(max(kwh) AS DECIMAL(14, 3)) AS max_hour_kwh,
       CAST(sum(kwh * price) AS DECIMAL(14, 2)) AS charge
FROM hourly_use
GROUP BY customer_no, CAST(hour_start AS DATE)
