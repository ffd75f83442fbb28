"""Measurement over the life of an asset: methods, openings, corrections, held for sale."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "measure.correction-too-early": Message(
        "{asset} 的更正决定于 {date}，而所属期间 {concerns} 尚未结束",
        "{asset}: a correction decided on {date} concerns {concerns}, which was not over",
        "期间结束后才有更正；本期的事项直接写入 estimates、impairments 或凭证",
        "only a period that is over is corrected; write what happens now as a fact or voucher",
    ),
    "measure.correction-exceeds": Message(
        "{asset}：{date} 决定的更正（{layer} {amount}）使某层余额为负，或摊销加减值大于原值",
        "{asset}: the correction decided on {date} ({layer} {amount}) would leave a layer below "
        "zero, or take off more than there is cost",
        "核对金额的正负与所属期间",
        "check the amount's sign and the period concerned",
    ),
}
