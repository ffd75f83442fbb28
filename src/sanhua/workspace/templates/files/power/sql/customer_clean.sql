-- One row a customer: spaces trimmed, repeats folded, an empty code is no code.
SELECT trim(customer_no) AS customer_no,
       max(trim(replace(name, '　', ''))) AS name,
       max(CASE WHEN trim(uscc) = '' THEN NULL ELSE trim(uscc) END) AS uscc,
       max(trim(contact)) AS contact,
       max(trim(phone)) AS phone,
       max(trim(address)) AS address,
       max(trim(industry)) AS industry,
       max(trim(voltage)) AS voltage,
       max(capacity_kva) AS capacity_kva
FROM customers
GROUP BY trim(customer_no)
