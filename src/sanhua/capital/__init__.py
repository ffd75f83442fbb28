"""数据资本化: from spending to the lines of the balance sheet.

voucher      the ERP's own lines, never changed by us
matching     which amounts add up to another
cost         the papers that explain them: timesheets and bills
allocate     a shared cost divided over projects
tieout       the book against the ERP's general ledger
tree         the questions of 财会〔2023〕11号, in their order
recognise    which spending may be carried, by the tree
fulfil       contract fulfilment cost, which is no data resource
measure      what is carried: cost, amortisation, impairment, stock, held for sale, corrections
earn         revenue of what data earned
subsidy      government grants
adjust       what audit and later events put right in a year
known        what was known on an earlier day
consolidate  what entities of a group sold each other
disclose     balance-sheet lines, tables A and B, tie-outs
note         the other items of the notes
judgement    who answers for what is judged
"""
