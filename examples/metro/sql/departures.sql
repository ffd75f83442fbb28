-- sql/departures.sql
-- A train after midnight belongs to the service day before: 24:10:00 is ten past twelve of the next.
SELECT t.route_id, c.trip_id, c.stop_id, CAST(c.stop_sequence AS BIGINT) AS stop_sequence,
       CAST(split_part(c.departure_time, ':', 1) AS BIGINT) * 3600
         + CAST(split_part(c.departure_time, ':', 2) AS BIGINT) * 60
         + CAST(split_part(c.departure_time, ':', 3) AS BIGINT) AS departs_s
FROM stop_times c JOIN trips t ON c.trip_id = t.trip_id
