-- The hours of one station; NA is no value.
SELECT station,
       make_timestamp(year, month, day, hour, 0, 0) AS observed_at,
       row_number AS reading,
       TRY_CAST(NULLIF(pm25, 'NA') AS DECIMAL(7, 1)) AS pm25,
       TRY_CAST(NULLIF(pm10, 'NA') AS DECIMAL(7, 1)) AS pm10
FROM multisite_hours
WHERE station = 'Nongzhanguan'
