-- One row a customer: spaces trimmed, repeats folded, an empty code is no code, an unknown industry is none.
SELECT trim(c.customer_no) AS customer_no,
       max(trim(replace(c.name, '　', ''))) AS name,
       max(CASE WHEN trim(c.uscc) = '' THEN NULL ELSE trim(c.uscc) END) AS uscc,
       max(trim(c.contact)) AS contact,
       max(trim(c.phone)) AS phone,
       max(trim(c.address)) AS address,
       max(i.code) AS industry,
       max(trim(c.voltage)) AS voltage,
       max(c.capacity_kva) AS capacity_kva
FROM customers AS c
LEFT JOIN industries AS i ON i.code = trim(c.industry)
GROUP BY trim(c.customer_no)
