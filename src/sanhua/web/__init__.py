"""One port: the data gateway and the first pages of the portal.

gateway  plain ASGI: token → decision → keyed file → meter → answer
meter    usage records to disk before (or just after) the answer
answer   rows as JSON, CSV, Arrow; refusals as problem+json
arriving requests that do not arrive are cut off
once     an answer in one write
pages    the value path and each node's drill-down, server-rendered
  show      records as HTML: templates, numbers, links
  picture   the value path as SVG
  words     the pages' words in two languages
server   workers on one socket, one sealer, a graceful end

In: HTTP. Out: one call of `workspace`, written as an answer.
"""
