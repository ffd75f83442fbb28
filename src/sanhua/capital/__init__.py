"""数据资本化: from spending to the lines of the balance sheet.

voucher    the ERP's own lines, never changed by us
recognise  which spending may be carried, by the decision tree of 财会〔2023〕11号
measure    what is carried: cost, amortisation, impairment, stock, held for sale, corrections
disclose   balance-sheet lines, tables A and B, tie-outs
"""
