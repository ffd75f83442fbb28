"""数据资产化: from a published resource to a product with rights and prices.

party    organisations and people
rights   claims by source, operating grants that only narrow, registrations
product  derivative, tool and service products
price    price plans and revenue shares
policy   usage policies and deals, as declared
"""
