-- The compilation of the city, one row an hour, the stations side by side; NA is no value.
SELECT make_timestamp(year, month, day, hour, 0, 0) AS observed_at,
       TRY_CAST(NULLIF(pm_dongsi, 'NA') AS DECIMAL(7, 1)) AS pm_dongsi,
       TRY_CAST(NULLIF(pm_dongsihuan, 'NA') AS DECIMAL(7, 1)) AS pm_dongsihuan,
       TRY_CAST(NULLIF(pm_nongzhanguan, 'NA') AS DECIMAL(7, 1)) AS pm_nongzhanguan,
       TRY_CAST(NULLIF(pm_us_post, 'NA') AS DECIMAL(7, 1)) AS pm_us_post,
       TRY_CAST(NULLIF(precipitation, 'NA') AS DECIMAL(9, 1)) AS precipitation
FROM beijing_hours
