"""数据资产化: from a published resource to a product with rights and prices.

party    organisations and people
rights   claims by source, operating grants that only narrow, transfers
form     the application form of a registration, filled with what is known
case     a registration case: state, clocks, what may follow
register each act of a case, from application to certificate and after it
product  derivative, tool and service products
price    price plans and revenue shares
ceiling  what an operator of public data may take
policy   usage policies and deals, as declared
"""
