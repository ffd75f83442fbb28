-- Energy by load level and indirect emission a day; the factor is that of the plant's country.
WITH daily AS (
  SELECT plant,
         CAST(started_at AS DATE) AS day,
         CAST(sum(kwh) AS DECIMAL(12, 2)) AS kwh,
         CAST(sum(CASE WHEN load_type = 'Maximum_Load' THEN kwh ELSE 0 END) AS DECIMAL(12, 2)) AS peak_kwh,
         CAST(sum(CASE WHEN load_type = 'Light_Load' THEN kwh ELSE 0 END) AS DECIMAL(12, 2)) AS valley_kwh
  FROM steel_interval
  GROUP BY plant, CAST(started_at AS DATE)
)
SELECT daily.plant,
       daily.day,
       daily.kwh,
       daily.peak_kwh,
       daily.valley_kwh,
       CAST(daily.kwh * grid_factors.carbon_intensity * 0.000001 AS DECIMAL(14, 6)) AS tco2,
       grid_factors.carbon_intensity AS factor,
       grid_factors.year AS factor_year
FROM daily
JOIN plants ON plants.code = daily.plant
JOIN grid_factors ON grid_factors.iso3 = plants.iso3
