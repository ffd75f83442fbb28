-- The product: a customer is a token, its address is a district; nothing that names it is left.
SELECT v.token,
       d.day,
       c.industry,
       substring(c.address, 4, 3) AS district,
       c.voltage,
       w.rest_day,
       w.high_c,
       d.hours,
       d.kwh,
       d.peak_kwh,
       d.flat_kwh,
       d.valley_kwh,
       d.max_hour_kwh,
       d.charge
FROM customer_day AS d
JOIN customer_clean AS c ON c.customer_no = d.customer_no
JOIN token_vault AS v ON v.customer_no = d.customer_no
LEFT JOIN weather AS w ON w.day = d.day
