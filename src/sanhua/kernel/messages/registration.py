"""Codes of the registration of data property rights."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "registration.unknown": Message(
        "没有登记 {registration}",
        "there is no registration {registration}",
        "写在 rights/*.yaml 的 registrations 下并 sanhua run；已知：{known}",
        "write it under registrations in rights/*.yaml and run sanhua run; known: {known}",
    ),
    "registration.other-kind": Message(
        "登记 {registration} 的种类 {kind} 没有可办理的步骤",
        "registration {registration} is of kind {kind}, which has no steps here",
        "仅 property_right 可办理；其他登记在其平台办理",
        "only property_right has; others are made on their own platform",
    ),
    "registration.no-claim": Message(
        "登记 {registration} 没有写 claim，无从得知登记哪些权利",
        "registration {registration} names no claim, so it is not known which rights it is for",
        "写 claim",
        "name the claim",
    ),
    "registration.duty-data": Message(
        "登记 {registration}：党政机关履职数据不予登记",
        "registration {registration}: data held for the duties of party and government "
        "bodies is not registrable",
        "删去此项登记",
        "remove the registration",
    ),
    "registration.public-first": Message(
        "登记 {registration}：授权运营的公共数据产品须先完成公共数据资源登记",
        "registration {registration}: a product of authorised public data is registered "
        "as a public data resource first",
        "写 public_registration（登记结果查询码）",
        "give its code under public_registration",
    ),
    "registration.too-long": Message(
        "登记 {registration} 的 {key} 有 {length} 字，最多 {most} 字",
        "registration {registration}: {key} has {length} characters, at most {most}",
        "缩短",
        "shorten it",
    ),
    "registration.not-a-choice": Message(
        "登记 {registration} 的 {key} 不能是 {value}",
        "registration {registration}: {key} cannot be {value}",
        "最接近：{nearest}；可选：{known}",
        "nearest: {nearest}; choices: {known}",
    ),
    "registration.industry": Message(
        "登记 {registration} 的行业 {value} 不是国民经济行业的门类加大类",
        "registration {registration}: industry {value} is not a section and division of GB/T 4754",
        "写成 C31 或 “C31 黑色金属冶炼和压延加工业”",
        "write C31, with or without the name after it",
    ),
    "registration.source-differs": Message(
        "登记 {registration} 写的数据来源 {written} 与权利主张的来源 {source} 不符",
        "registration {registration} says the source is {written}, its claim says {source}",
        "删去 source，或写 {wanted}",
        "remove `source`, or write {wanted}",
    ),
    "registration.edited": Message(
        "登记 {registration} 在“{state_zh}”时改动了（{fields}），改动不影响已提交的申请",
        "registration {registration} was edited ({fields}) while it is “{state_en}”; "
        "what was handed in stands",
        "登记后用 asset register change 申请变更；此前恢复原文",
        "once registered, ask for a change with `asset register change`; until then restore it",
    ),
    "registration.edited-since-run": Message(
        "登记 {registration} 的文件在上次 run 之后改动过",
        "the file of registration {registration} was edited since the last run",
        "先 sanhua run，再申请",
        "run sanhua run, then apply",
    ),
    "registration.incomplete": Message(
        "登记 {registration} 的申请表还缺 {count} 项：{fields}",
        "the form of registration {registration} lacks {count} fields: {fields}",
        "写入 rights/*.yaml 的该项登记（id_number 即 parties.yaml 的 uscc），再 sanhua run",
        "add them to its entry in rights/*.yaml (id_number is uscc of parties.yaml), then run it",
    ),
    "registration.nothing-registrable": Message(
        "登记 {registration}：权利主张 {claim}（来源 {source}）在 {day} 不产生所申请的权利",
        "registration {registration}: on {day} the claim {claim} (source {source}) does "
        "not give the rights applied for",
        "核对主张的来源、期限和已转让的权利",
        "check source and term of the claim, and what was transferred",
    ),
    "registration.own-registrar": Message(
        "{party} 不能为自己登记",
        "{party} cannot register for itself",
        "换一个登记机构",
        "name another registrar",
    ),
    "registration.wrong-step": Message(
        "登记 {registration} 处于“{state_zh}”，不能 {step}",
        "registration {registration} is “{state_en}”: {step} is out of order",
        "现在可做：{next}",
        "what can be done now: {next}",
    ),
    "registration.request-open": Message(
        "登记 {registration} 处于“{state_zh}”，已有未办结的申请 {open}，不能 {step}",
        "registration {registration} is “{state_en}” with the request {open} still open: "
        "{step} has to wait",
        "先由登记机构 review",
        "the registrar reviews that one first",
    ),
    "registration.no-objection": Message(
        "登记 {registration} 处于“{state_zh}”，没有待处理的异议，不能 {step}",
        "registration {registration} is “{state_en}” and nobody has objected: there is "
        "nothing to {step}",
        "用 asset register status 查看",
        "see asset register status",
    ),
    "registration.notice-running": Message(
        "登记 {registration} 处于“{state_zh}”，公示至 {due} 止，此前不能 {step}",
        "registration {registration} is “{state_en}” until {due}: {step} has to wait",
        "{due} 之后再办理",
        "come back after {due}",
    ),
    "registration.notice-over": Message(
        "登记 {registration} 处于“{state_zh}”，公示已于 {due} 结束，不能 {step}",
        "registration {registration} is “{state_en}”, but the notice ended on {due}: no {step} now",
        "登记完成后仍可提出异议",
        "one can object again once it is registered",
    ),
    "registration.extended-before": Message(
        "登记 {registration} 处于“{state_zh}”，已延期一次，不能再 {step}",
        "registration {registration} is “{state_en}” and was extended before: no second {step}",
        "在现有期限内办结",
        "finish it in time",
    ),
    "registration.extension-too-long": Message(
        "延期 {days} 个工作日不在 1 至 {most} 之间",
        "an extension of {days} working days is not between 1 and {most}",
        "写 1 至 {most}",
        "give 1 to {most}",
    ),
    "registration.renewal-too-early": Message(
        "登记 {registration} 处于“{state_zh}”，{opens} 起才能 {step}",
        "registration {registration} is “{state_en}”: {step} opens on {opens}",
        "{opens} 起再申请",
        "come back from {opens} on",
    ),
    "registration.renewal-adds-nothing": Message(
        "续期至 {through} 不晚于现在的有效期 {before}",
        "a renewal to {through} is no later than {before}, which holds now",
        "写更晚的日期；若受主张的期限所限，先延长主张",
        "give a later day; if the claim ends then, extend the claim first",
    ),
    "registration.not-applicant": Message(
        "{person} 不代表权利人 {holder}",
        "{person} does not act for {holder}",
        "由权利人的人员办理",
        "someone of the holder has to",
    ),
    "registration.not-registrar": Message(
        "{person} 不是登记机构 {registrar} 的登记人员",
        "{person} is no registrar of {registrar}",
        "在 parties.yaml 写 of: {registrar} 和 roles: [registrar]，或换一个 --as",
        "parties.yaml: of: {registrar}, roles: [registrar]; or give another --as",
    ),
    "registration.maker-is-checker": Message(
        "{person} 已在此案中经手，不能再作裁定",
        "{person} had a hand in what is judged and cannot give the verdict",
        "请另一人裁定",
        "a second person has to",
    ),
    "registration.ground": Message(
        "不予登记的情形 {value} 不成立：通过时不写，不予登记时须为其中之一",
        "{value} cannot stand: a pass has no ground, a refusal has one of the guide's",
        "可用：{known}",
        "known: {known}",
    ),
    "registration.not-published": Message(
        "{value} 不是公示的项目",
        "{value} is no item of the notice",
        "可用：{known}",
        "known: {known}",
    ),
    "registration.own-objection": Message(
        "{person} 代表权利人，不能对自己的登记提出异议",
        "{person} acts for the holder and cannot object to its own registration",
        "改用 change 或 cancel",
        "ask for a change or cancellation",
    ),
    "registration.verdict": Message(
        "此时不能裁定为 {value}",
        "the verdict cannot be {value} now",
        "可用：{known}",
        "known: {known}",
    ),
    "registration.which-objection": Message(
        "异议 {value} 无法确定",
        "which objection is meant by {value}?",
        "用 --objection 写明：{known}",
        "name it with --objection: {known}",
    ),
    "registration.validity": Message(
        "有效期 {starts_on} 至 {through} 不成立，最晚至 {latest}",
        "a validity from {starts_on} to {through} cannot be: the latest day is {latest}",
        "写 {latest} 或更早",
        "give {latest} or earlier",
    ),
    "registration.number-form": Message(
        "{number} 不是凭证编号",
        "{number} is no certificate number",
        "SJ、地域 2 位、机构 1 位、年月 6 位、流水 4 位，共 15 位",
        "SJ, two digits of region, one of registrar, six of year and month, four of "
        "serial: 15 characters",
    ),
    "registration.number-month": Message(
        "凭证编号 {number} 的年月不是核发的 {month}",
        "certificate number {number} does not name the month of issue, {month}",
        "用 {month} 的编号",
        "use a number of {month}",
    ),
    "registration.number-taken": Message(
        "凭证编号 {number} 已用于登记 {other}",
        "certificate number {number} belongs to registration {other}",
        "用下一个流水号",
        "use the next serial",
    ),
    "registration.transferee": Message(
        "受让方 {value} 不是另一个已知的主体",
        "the transferee {value} is not another known party",
        "写 parties.yaml 中的另一主体",
        "name another party of parties.yaml",
    ),
    "registration.transferor-keeps": Message(
        "转让方 {party} 仍以 {claims} 保有同一权利，不能登记转让",
        "the transferor {party} would keep the same right by {claims}: no transfer",
        "先终止这些主张",
        "end those claims first",
    ),
    "registration.not-by-change": Message(
        "变更登记不能改变 {what}",
        "a change cannot alter the {what}",
        "权利人改变用 transfer；来源改变须重新登记",
        "transfer for another holder; another source is registered anew",
    ),
    "registration.nothing-changed": Message(
        "{node} 的申请表没有变化",
        "the form of {node} has not changed",
        "改 rights/*.yaml，sanhua run，再申请变更",
        "edit rights/*.yaml, run sanhua run, then ask for the change",
    ),
}
